using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Frp.Fuzz;

/// <summary>clang's libFuzzer in this process: it makes inputs, the instrumented assemblies count edges for it.</summary>
/// <remarks>
/// The library is built by <c>eng/fuzz.sh</c> from <c>fuzz/driver/driver.c</c>. No process is started per input and nothing goes through
/// a pipe, which makes a run of a small parser cost microseconds.
/// </remarks>
internal static unsafe partial class LibFuzzer
{
    private const string Driver = "frpfuzz";
    private const int Found = 77;
    private const int CheckEvery = 256;

    private static FuzzTarget s_target = null!;
    private static string s_finds = "";
    private static TimeSpan s_limit;
    private static byte[] s_seen = [];
    private static byte* s_edges;
    private static long s_executions;
    private static TimeSpan s_cpuAtStart;

    /// <summary>Counters that nobody reads: instrumented assemblies need some wherever their code runs.</summary>
    internal static void ConnectNobody() => SharpFuzz.Common.Trace.SharedMem = (byte*)NativeMemory.AllocZeroed(ushort.MaxValue + 1);

    /// <summary>Points the instrumentation at the engine's counters. Before the first instrumented method runs.</summary>
    internal static void Connect()
    {
        s_edges = Edges(out nuint count);
        s_seen = new byte[count];
        SharpFuzz.Common.Trace.SharedMem = s_edges;
    }

    /// <summary>Fuzzes until the processor time is used up or something is found.</summary>
    /// <param name="target">What is fed.</param>
    /// <param name="processorTime">How long, counted in this process's processor time; <see cref="TimeSpan.Zero"/>: the engine's options decide.</param>
    /// <param name="finds">Folder for inputs that found something.</param>
    /// <param name="options">Options and corpus folders, as libFuzzer takes them.</param>
    internal static int Run(FuzzTarget target, TimeSpan processorTime, string finds, IReadOnlyList<string> options)
    {
        (s_target, s_limit, s_finds) = (target, processorTime, finds);
        Now.Limit = TimeSpan.FromSeconds(5); // before the engine's own limit, so that the find has a name
        Directory.CreateDirectory(finds);
        // The runtime owns these signals: it makes exceptions of some. SIGABRT is the engine's, so that a stack that overflows leaves its input.
        string[] arguments =
        [
            // A merge starts this program again with the engine's options behind the first argument, by a shell.
            $"{Environment.ProcessPath} run {target.Name} 0 {finds}", .. options, $"-max_len={target.MaxLength}", "-handle_segv=0", "-handle_bus=0", "-handle_fpe=0", "-handle_ill=0", "-timeout=10",
            "-rss_limit_mb=4096", "-detect_leaks=0", $"-artifact_prefix={finds}/{target.Name}-",
        ];
        var native = (byte**)NativeMemory.Alloc((nuint)(arguments.Length + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < arguments.Length; i++) native[i] = (byte*)Marshal.StringToCoTaskMemUTF8(arguments[i]);
        native[arguments.Length] = null;
        int count = arguments.Length;
        s_cpuAtStart = Environment.CpuUsage.TotalTime;
        int result = RunDriver(&count, &native, &OnInput);
        Report();
        return result;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnInput(byte* data, nuint size)
    {
        var input = new ReadOnlySpan<byte>(data, (int)size).ToArray();
        try
        {
            SharpFuzz.Common.Trace.PrevLocation = 0;
            RunOnce(s_target, input);
        }
        catch (Exception e)
        {
            string path = Path.Combine(s_finds, $"{s_target.Name}-{Convert.ToHexStringLower(SHA256.HashData(input))[..16]}");
            File.WriteAllBytes(path, input);
            Console.WriteLine($"FOUND by {s_target.Name}: {path}\n{e}");
            Report();
            Console.Out.Flush();
            Exit(Found);
        }
        NoteEdges();
        if (++s_executions % CheckEvery == 0 && s_limit > TimeSpan.Zero && Environment.CpuUsage.TotalTime - s_cpuAtStart >= s_limit)
        {
            Report();
            Console.Out.Flush();
            Exit(0);
        }
        return 0;
    }

    /// <summary>One input with everything that is checked of every target.</summary>
    internal static void RunOnce(FuzzTarget target, byte[] input)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        target.Run(input);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        FindException.Unless(allocated <= target.MaxAllocation, $"{input.Length} bytes of input made {allocated} bytes be allocated, more than {target.MaxAllocation}");
    }

    private static void NoteEdges()
    {
        for (int i = 0; i < s_seen.Length; i += Vector<byte>.Count)
        {
            var counts = *(Vector<byte>*)(s_edges + i);
            if (counts == Vector<byte>.Zero) continue;
            var seen = s_seen.AsSpan(i, Vector<byte>.Count);
            (new Vector<byte>(seen) | counts).CopyTo(seen);
        }
    }

    // The line that eng/fuzz.sh reads.
    private static void Report()
    {
        double seconds = (Environment.CpuUsage.TotalTime - s_cpuAtStart).TotalSeconds;
        int edges = s_seen.Length - s_seen.AsSpan().Count((byte)0);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"frp-fuzz {s_target.Name} executions={s_executions} cpu={seconds:F1} rate={s_executions / Math.Max(seconds, 0.001):F0} edges={edges}"));
    }

    [LibraryImport(Driver, EntryPoint = "LLVMFuzzerRunDriver")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int RunDriver(int* count, byte*** arguments, delegate* unmanaged[Cdecl]<byte*, nuint, int> onInput);

    [LibraryImport(Driver, EntryPoint = "frp_fuzz_edges")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial byte* Edges(out nuint count);

    // Not Environment.Exit, which waits for this thread.
    [LibraryImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Exit(int code);
}
