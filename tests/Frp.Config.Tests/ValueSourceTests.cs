namespace Frp.Config.Tests;

public class ValueSourceTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private static async Task<string> Resolve(string source, CancellationToken? cancellation = null)
    {
        var config = Loading.Server($"auth.tokenSource = {source}", options: Loading.Verify with { AllowUnsafe = UnsafeFeatures.TokenSourceExec });
        using var deadline = new CancellationTokenSource(Deadline);
        return await config.Auth.ResolveTokenAsync(cancellation ?? deadline.Token);
    }

    [Fact]
    public async Task A_token_in_the_file_is_itself()
    {
        Assert.Equal("abc", await Loading.Server("auth.token = \"abc\"").Auth.ResolveTokenAsync(CancellationToken.None));
        var oidc = Loading.Server("auth.method = \"oidc\"\nauth.tokenSource = {type = \"file\", file.path = \"/nonexistent\"}");
        Assert.Equal("", await oidc.Auth.ResolveTokenAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_files_content_comes_without_white_space_around_it()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("token"), "\n  se cret\t\n");
        Assert.Equal("se cret", await Resolve($"{{type = \"file\", file.path = \"{folder.At("token")}\"}}"));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_told()
    {
        var e = await Assert.ThrowsAsync<ConfigException>(() => Resolve("{type = \"file\", file.path = \"/nonexistent/t\"}"));
        Assert.Equal("failed to resolve auth.tokenSource: failed to read file /nonexistent/t: open /nonexistent/t: no such file or directory", e.Message);
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.At("big"), new byte[(1 << 20) + 1]);
        e = await Assert.ThrowsAsync<ConfigException>(() => Resolve($"{{type = \"file\", file.path = \"{folder.At("big")}\"}}"));
        Assert.Contains("larger than", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_gives_its_output_and_sees_its_environment()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs a shell");
        Assert.Equal("x y|v", await Resolve("{type = \"exec\", exec = {command = \"/bin/sh\", args = [\"-c\", \"echo; echo \\\"$1|$K\\\"\", \"sh\", \"x y\"], env = [{name = \"K\", value = \"v\"}]}}"));
    }

    [Fact]
    public async Task A_program_that_fails_or_is_missing_is_told()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs a shell");
        var e = await Assert.ThrowsAsync<ConfigException>(() => Resolve("{type = \"exec\", exec = {command = \"/bin/sh\", args = [\"-c\", \"exit 3\"]}}"));
        Assert.Equal("failed to resolve auth.tokenSource: failed to execute command /bin/sh: exit status 3", e.Message);
        e = await Assert.ThrowsAsync<ConfigException>(() => Resolve("{type = \"exec\", exec.command = \"/nonexistent/program\"}"));
        Assert.StartsWith("failed to resolve auth.tokenSource: failed to execute command /nonexistent/program: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_without_end_is_ended_by_the_caller()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs a shell");
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Resolve("{type = \"exec\", exec = {command = \"/bin/sh\", args = [\"-c\", \"sleep 600\"]}}", soon.Token));
    }

    [Fact]
    public async Task A_command_has_its_own_limit()
    {
        var source = new ValueSource { Type = "exec", Exec = new ExecSource { Command = "/bin/sh", Args = ["-c", "sleep 600"] } };
        var e = await Assert.ThrowsAsync<ConfigException>(() => source.ResolveAsync(TimeSpan.FromMilliseconds(200), CancellationToken.None));
        Assert.Equal("failed to execute command /bin/sh: no value within 0.2 s", e.Message);
    }
}
