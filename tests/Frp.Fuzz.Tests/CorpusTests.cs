namespace Frp.Fuzz.Tests;

/// <summary>Every input that fuzzing has kept, through the parsers as everybody gets them: what was mended once stays mended.</summary>
public sealed class CorpusTests
{
    private static readonly string Root = FindRoot();

    public static TheoryData<string> Targets() => new(FuzzTargets.All.Select(static t => t.Name));

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_corpus_of_a_target_finds_nothing(string name) =>
        Assert.True(Corpus.Replay(Path.Combine(Root, "fuzz", "corpus"), FuzzTargets.Of(name)) > 0, "there is no corpus");

    [Fact]
    public void Every_corpus_and_every_planted_bug_has_a_target()
    {
        var names = FuzzTargets.All.Select(static t => t.Name).Order(StringComparer.Ordinal);
        Assert.Equal(names, Directory.EnumerateDirectories(Path.Combine(Root, "fuzz", "corpus")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(names, Directory.EnumerateFiles(Path.Combine(Root, "fuzz", "planted"), "*.patch").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_source_that_a_target_names_is_there(string name) =>
        Assert.All(FuzzTargets.Of(name).Sources, static source => Assert.True(Path.Exists(Path.Combine(Root, "src", source)), source));

    [Fact]
    public void A_target_that_finds_something_fails_its_replay()
    {
        string folder = Directory.CreateTempSubdirectory("frp-fuzz-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "broken"));
            File.WriteAllText(Path.Combine(folder, "broken", "input"), "x");
            Assert.Contains("a mistake", Assert.Throws<FindException>(() => Corpus.Replay(folder, new Broken())).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Frp.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests run outside the repository");
    }

    private sealed class Broken : FuzzTarget
    {
        public override string Name => "broken";

        public override IReadOnlyList<string> Sources => [];

        public override void Run(ReadOnlyMemory<byte> input) => throw new NotSupportedException("a mistake");
    }
}
