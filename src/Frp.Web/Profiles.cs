using System.Globalization;

namespace Frp.Web;

/// <summary>The places below <c>/debug/pprof/</c>: the tree that tools of the reference poll, with what this runtime can say for it.</summary>
/// <remarks>
/// There are no Go profiles here, and nothing pretends that there were: each place answers with text. Nobody has to authenticate for it,
/// so it says nothing that is secret: the command line is reduced to the program's name. Source: http-api specification §5.
/// </remarks>
internal sealed class Profiles(Func<string> describeState)
{
    private const string Prefix = "/debug/pprof/";

    private static readonly string[] Names = ["allocs", "block", "goroutine", "heap", "mutex", "threadcreate"];

    internal IEnumerable<WebRoute> Routes =>
    [
        Place("", Overview),
        Place("cmdline", static () => Path.GetFileName(Environment.ProcessPath) ?? ""),
        Place("symbol", static () => "num_symbols: 0\n"),
        Place("profile", static () => "no CPU profile: this program is native code; perf and dotnet-trace read it\n"),
        Place("trace", static () => "no execution trace: this program is native code; perf and dotnet-trace read it\n"),
        Place("goroutine", () => State() + Threads()),
        Place("threadcreate", Threads),
        Place("heap", Memory),
        Place("allocs", Memory),
        Place("block", static () => string.Create(CultureInfo.InvariantCulture, $"contended locks: {Monitor.LockContentionCount}\n")),
        Place("mutex", static () => string.Create(CultureInfo.InvariantCulture, $"contended locks: {Monitor.LockContentionCount}\n")),
    ];

    private static WebRoute Place(string name, Func<string> say) =>
        new(null, Prefix + name, _ => ValueTask.FromResult(WebAnswer.Text(say()))) { IsOpen = true };

    private string Overview() => $"{Prefix}\n\n{string.Concat(Names.Select(name => $"{Prefix}{name}\n"))}\n{State()}{Threads()}{Memory()}";

    private string State() => $"state: {describeState()}\n";

    private static string Threads() => string.Create(CultureInfo.InvariantCulture,
        $"threads of the pool: {ThreadPool.ThreadCount}, work waiting: {ThreadPool.PendingWorkItemCount}, work done: {ThreadPool.CompletedWorkItemCount}\n");

    private static string Memory()
    {
        var info = GC.GetGCMemoryInfo();
        return string.Create(CultureInfo.InvariantCulture,
            $"heap bytes: {info.HeapSizeBytes}, committed: {info.TotalCommittedBytes}, allocated so far: {GC.GetTotalAllocatedBytes()}, collections: {GC.CollectionCount(0)}\n");
    }
}
