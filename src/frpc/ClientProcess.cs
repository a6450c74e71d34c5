using Frp.Hosting;
using Frp.Transport;

namespace Frpc;

/// <summary>What the clients of one process share: signals, logs, the process's limits.</summary>
internal sealed class ClientProcess : IDisposable
{
    private readonly StopSignals _signals;
    private readonly LogSet _logs = new();

    /// <summary>Begins with what takes long and needs no configuration.</summary>
    internal ClientProcess()
    {
        DescriptorLimit.RaiseToHard();
        _signals = new StopSignals();
        WarmUp.Start();
    }

    /// <summary>Runs one client to its end. Its failure is the caller's to tell.</summary>
    internal Task RunAsync(ClientService service)
    {
        service.Load();
        return RunAsync([service], (one, stopAsked) => one.RunAsync(_logs, stopAsked, _signals.Stop));
    }

    /// <summary>Runs many clients until all have ended. One that fails says so, and the others go on.</summary>
    internal Task RunAllAsync(IEnumerable<ClientService> services) => RunAsync([.. services.Where(TryLoad)], TryRunAsync);

    /// <inheritdoc/>
    public void Dispose()
    {
        _logs.Dispose();
        _signals.Dispose();
    }

    private async Task RunAsync(List<ClientService> services, Func<ClientService, Task, Task> run)
    {
        // Nobody is verified by them, unless the configuration asks for that, or for a proxy or an identity provider, which are public.
        if (services.Exists(s => s.NeedsSystemTrust)) SystemTrust.Load();
        using var state = new StateSignal(() => services.ForEach(s => s.ReportState()));
        await using var reload = new ReloadSignal(token => Task.WhenAll(services.Select(s => s.ReloadAsync(token))));
        var stopAsked = _signals.WaitAsync(TimeProvider.System);
        await Task.WhenAll(services.Select(s => run(s, stopAsked)));
    }

    private static bool TryLoad(ClientService service)
    {
        try
        {
            service.Load();
            return true;
        }
        catch (Exception e) when (ConsoleProgram.IsExpected(e))
        {
            Tell(service, e.Message);
            return false;
        }
    }

    private async Task TryRunAsync(ClientService service, Task stopAsked)
    {
        try
        {
            await service.RunAsync(_logs, stopAsked, _signals.Stop);
        }
        catch (OperationCanceledException) when (_signals.Stop.IsCancellationRequested)
        {
            // Asked to stop before there was anything to stop.
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Tell(service, ConsoleProgram.IsExpected(e) ? e.Message : e.ToString());
        }
    }

    // In one piece, since the others go on talking.
    private static void Tell(ClientService service, string cause) => Console.Write($"frpc service error for config file [{service.Path}]\n{cause}\n");
}
