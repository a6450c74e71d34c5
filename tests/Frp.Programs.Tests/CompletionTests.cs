using Frp.TestKit;

namespace Frp.Programs.Tests;

/// <summary>The completion scripts, run by their shells.</summary>
public sealed class CompletionTests : IAsyncDisposable
{
    private readonly Workspace _work = new();

    public ValueTask DisposeAsync() => _work.DisposeAsync();

    [Theory]
    [InlineData("frpc st", "status stcp stop")]
    [InlineData("frpc stcp ", "visitor")]
    [InlineData("frpc -c x stcp -n y vis", "visitor")]
    [InlineData("frpc --config_dir x stcp vis", "visitor")]
    [InlineData("frpc --config = x stcp vis", "visitor")]
    [InlineData("frpc stcp visitor --s", "--server-addr --server-name --server-port --server-user --sk --sk-file --strict-config")]
    [InlineData("frpc tcp --remote", "--remote-port")]
    [InlineData("frpc udp --ue --remote", "--remote-port")]
    [InlineData("frpc help nat", "nathole")]
    [InlineData("frpc help stcp ", "visitor")]
    [InlineData("frpc -c ", "")]
    [InlineData("frpc tcp ", "")]
    [InlineData("frps --bind", "--bind-addr --bind-port")]
    [InlineData("frps completion ", "bash fish powershell zsh")]
    public async Task Bash_completes(string line, string expected)
    {
        // As the shell does it: the words that the line breaks into, and the one that the cursor is on.
        string words = string.Join(' ', line.Split(' ').Select(w => $"'{w}'"));
        string program = line[..4];
        string output = await RunAsync("bash", "-c", $"source '{await ScriptAsync(program, "bash")}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _{program}; echo \"${{COMPREPLY[@]}}\"");
        Assert.Equal(expected, string.Join(' ', output.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("frpc")]
    [InlineData("frps")]
    public async Task Zsh_reads_its_script(string program) => await RunAsync(Shell("zsh"), "-n", await ScriptAsync(program, "zsh"));

    [Theory]
    [InlineData("frpc")]
    [InlineData("frps")]
    public async Task Fish_reads_its_script(string program) => await RunAsync(Shell("fish"), "-n", await ScriptAsync(program, "fish"));

    [Theory]
    [InlineData("frpc stat", "status\tShow the proxies of the running client")]
    [InlineData("frpc -c x stcp -n y ", "visitor\tRun one stcp visitor without a configuration file")]
    [InlineData("frpc stcp visitor --server-u", "--server-user\tuser of the proxy to visit")]
    [InlineData("frpc help stcp vis", "visitor\tRun one stcp visitor without a configuration file")]
    public async Task Fish_completes(string line, string expected) =>
        Assert.Equal(expected, (await RunAsync(Shell("fish"), "-c", $"source '{await ScriptAsync("frpc", "fish")}'; complete -C '{line}'")).Trim());

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("powershell")]
    public async Task A_script_names_every_command_and_flag(string shell)
    {
        foreach (string program in new[] { "frps", "frpc" })
        {
            string script = await File.ReadAllTextAsync(await ScriptAsync(program, shell));
            foreach (var command in Trees.All(Trees.Of(program)))
            {
                Assert.Contains(command.Name, script, StringComparison.Ordinal);
                Assert.All(command.AllFlags, flag => Assert.Contains(shell == "fish" ? $"-l {flag.Name}" : $"--{flag.Name}", script, StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("powershell")]
    public async Task Descriptions_can_be_left_out(string shell)
    {
        const string Description = "Show the proxies of the running client";
        Assert.Contains(Description, await File.ReadAllTextAsync(await ScriptAsync("frpc", shell)), StringComparison.Ordinal);
        string terse = await File.ReadAllTextAsync(await ScriptAsync("frpc", shell, "--no-descriptions"));
        Assert.DoesNotContain(Description, terse, StringComparison.Ordinal);
        Assert.Contains("status", terse, StringComparison.Ordinal);
    }

    private static string Shell(string name)
    {
        string? path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, $"{name} is not installed");
        return path!;
    }

    private async Task<string> ScriptAsync(string program, params string[] arguments)
    {
        var run = _work.Run(program, ["completion", .. arguments]);
        Assert.Equal(0, await run.WaitForExitAsync());
        return _work.Write(run.Output.ToString());
    }

    private async Task<string> RunAsync(string shell, params string[] arguments)
    {
        var run = _work.RunForeign(shell, arguments);
        Assert.True(await run.WaitForExitAsync() == 0, $"{shell}: {run.Output}");
        Assert.Empty(run.Errors.ToString());
        return run.Output.ToString();
    }
}
