namespace Frp.Client;

/// <summary>Access tokens from a token endpoint, each kept for as long as the endpoint says that it lasts.</summary>
/// <remarks>
/// <para>A token without a time of expiry is not kept: whoever asks gets one that was issued after he asked. Those who wait together share an
/// answer, good or bad.</para>
/// <para><b>Concurrency.</b> Any number of callers; one question to the endpoint at a time.</para>
/// </remarks>
internal sealed class IssuedTokens(TokenEndpoint endpoint, TimeProvider time) : IAccessTokens
{
    // Source: wire specification §10.4. A token that is about to expire would be refused when it arrives.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private readonly Lock _lock = new(); // guards everything below
    private IssuedToken? _last;
    private IOException? _failure;
    private long _number; // of the last question
    private long _asked; // when that was, by both clocks
    private DateTimeOffset _askedAt;

    /// <inheritdoc/>
    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        long before;
        lock (_lock)
        {
            if (IsFresh()) return _last!.Value;
            before = _number;
        }
        await _asking.WaitAsync(cancellationToken);
        try
        {
            lock (_lock)
            {
                if (_number > before) // somebody else has asked after we came: the answer is as good as our own would be
                {
                    if (_last is not null) return _last.Value;
                    if (_failure is not null) throw new IOException(_failure.Message, _failure);
                }
                (_number, _asked, _askedAt, _last, _failure) = (_number + 1, time.GetTimestamp(), time.GetUtcNow(), null, null);
            }
            var issued = await endpoint.AskAsync(cancellationToken);
            lock (_lock) _last = issued;
            return issued.Value;
        }
        catch (IOException e)
        {
            lock (_lock) _failure = e;
            throw;
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <inheritdoc/>
    public void Forget()
    {
        lock (_lock) _last = null;
    }

    /// <inheritdoc/>
    public void Dispose() => endpoint.Dispose();

    // The wall clock goes on while a computer sleeps; the other one is never set back.
    private bool IsFresh() => _last?.Lifetime - Margin is { } usable && time.GetElapsedTime(_asked) < usable && time.GetUtcNow() - _askedAt < usable;
}
