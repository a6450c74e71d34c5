using System.Runtime.InteropServices;

namespace Frp.Transport;

/// <summary>Long computations that nobody waits for, out of the way of everything else.</summary>
internal static partial class BackgroundThread
{
    private const int Process = 0; // Source: sys/resource.h, PRIO_PROCESS; on Linux that is one thread
    private const int Nice = 10;   // a tenth of what others get, where the processors are wanted

    /// <summary>Computes on a thread of its own, at a low priority where the system has one for threads.</summary>
    /// <remarks>Errors: the task's, whatever the computation throws.</remarks>
    internal static Task<T> RunAsync<T>(string name, Func<T> compute)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(Compute) { IsBackground = true, Name = name, Priority = ThreadPriority.BelowNormal }.Start();
        return result.Task;

        void Compute()
        {
            // The platform's own priorities are Windows's: elsewhere it ignores them. A refusal costs nothing but speed.
            if (OperatingSystem.IsLinux()) _ = SetPriority(Process, 0, Nice);
            try
            {
                result.SetResult(compute());
            }
            catch (Exception e)
            {
                result.SetException(e);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
