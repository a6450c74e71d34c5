using Frp.Config;
using Frp.Transport;

namespace Frp.Client;

/// <summary>Where access tokens are to be had.</summary>
internal interface IAccessTokens : IDisposable
{
    /// <summary>Gets a token that can be used now.</summary>
    /// <exception cref="IOException">There is none; the text says why, without a secret.</exception>
    ValueTask<string> GetAsync(CancellationToken cancellationToken);

    /// <summary>Forgets tokens that are kept.</summary>
    void Forget();
}

/// <summary>Access tokens from a file or a program, which is asked every time.</summary>
internal sealed class SourcedTokens(ValueSource source, TimeProvider time) : IAccessTokens
{
    // A server waits 10 s for a login, and a heartbeat is due long before that.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(Limit, time, cancellationToken);
        try
        {
            return await source.ResolveAsync(deadline.Token);
        }
        catch (ConfigException e)
        {
            throw new IOException($"failed to resolve auth.oidc.tokenSource: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (deadline.HasPassed)
        {
            throw new IOException($"failed to resolve auth.oidc.tokenSource: {deadline.Passed("value").Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Forget()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
