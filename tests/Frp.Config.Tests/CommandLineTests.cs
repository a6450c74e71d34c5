using Frp.Config.Flags;

namespace Frp.Config.Tests;

/// <summary>How the command is found among the arguments, and the kinds of values.</summary>
public class CommandLineTests
{
    private readonly Command _root;
    private readonly List<string> _declared = [];
    private readonly Dictionary<string, object> _seen = [];

    public CommandLineTests()
    {
        _root = New("prog", c =>
        {
            c.Persistent.Text("config", 'c', "", "a file", v => _seen["config"] = v);
            c.Persistent.Switch("strict", null, true, "strict", v => _seen["strict"] = v);
        });
        var tcp = _root.Add(New("tcp", c =>
        {
            c.Persistent.Text("server_addr", 's', "127.0.0.1", "server", v => _seen["server"] = v);
            c.Local.Text("name", 'n', "", "name", v => _seen["name"] = v);
            c.Local.Switch("ue", null, false, "encrypt", v => _seen["ue"] = v);
            c.Local.Switch("all", 'a', false, "all", v => _seen["all"] = v);
            c.Local.Pairs("meta", null, "pairs", v => _seen["meta"] = v);
            c.Local.Duration("timeout", null, TimeSpan.FromSeconds(30), "limit", v => _seen["timeout"] = v);
        }));
        tcp.Add(New("visitor", c => c.Local.Text("visitor_name", 'n', "", "name", v => _seen["visitor"] = v)));
        _root.Add(New("verify", _ => { }));
    }

    private Command New(string name, Action<Command> declare) => new(name, name + " summary")
    {
        Declare = c =>
        {
            _declared.Add(name);
            declare(c);
        },
        Run = () => Task.CompletedTask,
    };

    private string Fault(params string[] args) => Assert.Throws<CommandLineException>(() => CommandLine.Parse(_root, args)).Message;

    [Theory]
    [InlineData("prog tcp", "tcp", "-n", "x")]
    [InlineData("prog tcp", "-n", "x", "tcp")]
    [InlineData("prog tcp", "-s", "1.2.3.4", "--name", "verify", "tcp")]
    [InlineData("prog tcp", "--config", "tcp", "tcp", "--name=visitor")]
    [InlineData("prog tcp", "--strict", "tcp")]
    [InlineData("prog tcp", "tcp", "--", "visitor")]
    [InlineData("prog tcp visitor", "tcp", "-s", "h", "visitor", "-n", "v")]
    [InlineData("prog tcp visitor", "-cf", "tcp", "visitor", "--server-addr=h")]
    [InlineData("prog verify", "verify", "tcp")]
    [InlineData("prog", "-c", "verify")]
    [InlineData("prog", "--strict=false")]
    [InlineData("prog")]
    public void The_command_is_found_among_flags(string expected, params string[] args) => Assert.Equal(expected, CommandLine.Parse(_root, args).Command.FullName);

    [Theory]
    [InlineData("unknown flag: --name", "--name", "x")]
    [InlineData("unknown flag: --ue", "--ue", "tcp")]
    [InlineData("unknown flag: --name", "tcp", "visitor", "--name", "x")]
    [InlineData("unknown command \"bogus\" for \"prog\"", "bogus", "--nope")]
    [InlineData("flag needs an argument: 'n' in -n", "tcp", "-an")]
    [InlineData("invalid argument \"x\" for \"--meta\" flag: x must be formatted as key=value", "tcp", "--meta", "x")]
    [InlineData("invalid argument \"a=1,b,c=2\" for \"--meta\" flag: b must be formatted as key=value", "tcp", "--meta", "a=1,b,c=2")]
    [InlineData("invalid argument \"\" for \"--timeout\" flag: time: invalid duration \"\"", "tcp", "--timeout=")]
    [InlineData("invalid argument \"30\" for \"--timeout\" flag: time: missing unit in duration \"30\"", "tcp", "--timeout", "30")]
    [InlineData("invalid argument \"3d\" for \"--timeout\" flag: time: unknown unit \"d\" in duration \"3d\"", "tcp", "--timeout", "3d")]
    [InlineData("invalid argument \"1.2.3s\" for \"--timeout\" flag: time: invalid duration \"1.2.3s\"", "tcp", "--timeout", "1.2.3s")]
    [InlineData("invalid argument \"9999999h\" for \"--timeout\" flag: time: invalid duration \"9999999h\"", "tcp", "--timeout", "9999999h")]
    public void Mistakes(string expected, params string[] args) => Assert.Equal(expected, Fault(args));

    [Theory]
    [InlineData("30s", 30_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData(".5s", 500)]
    [InlineData("300ms", 300)]
    [InlineData("2h3m4.5s6ms", 7_384_506)]
    [InlineData("-1s", -1000)]
    [InlineData("+1s", 1000)]
    [InlineData("0", 0)]
    [InlineData("1500us", 1.5)]
    [InlineData("1500µs", 1.5)]
    public void Durations(string text, double milliseconds)
    {
        CommandLine.Parse(_root, ["tcp", "--timeout", text]);
        Assert.Equal(milliseconds, ((TimeSpan)_seen["timeout"]).TotalMilliseconds);
    }

    [Theory]
    [InlineData("a=1", "a=1")]
    [InlineData("a=1,b=2", "a=1;b=2")]
    [InlineData("a=1,2", "a=1,2")]
    [InlineData("\"a=1\"", "a=1")]
    [InlineData("\"a=1,x\",b=2", "a=1,x;b=2")]
    [InlineData("a=,b==", "a=;b==")]
    public void Pairs(string text, string expected)
    {
        CommandLine.Parse(_root, ["tcp", "--meta", "z=9", "--meta", text]);
        var pairs = (Dictionary<string, string>)_seen["meta"];
        Assert.Equal("z=9;" + expected, string.Join(';', pairs.Select(p => $"{p.Key}={p.Value}")));
    }

    [Fact]
    public void Letters_run_together_and_the_last_may_take_a_value()
    {
        CommandLine.Parse(_root, ["tcp", "-anx"]);
        Assert.Equal((true, "x"), (_seen["all"], _seen["name"]));
    }

    [Fact]
    public void Flags_are_declared_for_the_command_that_is_run_and_those_above_it()
    {
        CommandLine.Parse(_root, ["verify"]);
        Assert.Equal(["prog", "verify"], _declared);
        CommandLine.Parse(_root, ["tcp", "visitor"]);
        Assert.Equal(["prog", "tcp", "verify", "visitor"], _declared.Order());
        CommandLine.Parse(_root, ["tcp", "visitor", "-n", "v"]);
        Assert.Equal(4, _declared.Count);
    }

    [Theory]
    [InlineData("verfy", "verify")]
    [InlineData("tpc", "tcp")]
    [InlineData("bogus", null)]
    public void A_command_that_is_nearly_right_is_answered_with_the_right_one(string typed, string? near)
    {
        var hint = near is null ? "" : $"\nDid you mean this?\n\t{near}\n\n";
        Assert.Equal($"Error: unknown command \"{typed}\" for \"prog\"\n{hint}Run 'prog --help' for usage.\n", Assert.Throws<CommandLineException>(() => CommandLine.Parse(_root, [typed])).Text);
    }

    [Fact]
    public void A_flag_that_is_nearly_right_is_answered_behind_the_usage()
    {
        var text = Assert.Throws<CommandLineException>(() => CommandLine.Parse(_root, ["tcp", "--server_adr=x"])).Text;
        Assert.StartsWith("Error: unknown flag: --server_adr\nUsage:\n  prog tcp [flags]\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\n\nDid you mean --server-addr?\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_lists_inherited_flags_apart()
    {
        var text = CommandLine.Parse(_root, ["help", "tcp", "visitor"]).Output!;
        Assert.Equal(text, CommandLine.Parse(_root, ["tcp", "visitor", "--help"]).Output);
        Assert.Equal(
            """
            visitor summary

            Usage:
              prog tcp visitor [flags]

            Flags:
              -h, --help                  help for visitor
              -n, --visitor-name string   name

            Global Flags:
              -c, --config string        a file
              -s, --server-addr string   server (default "127.0.0.1")
                  --strict               strict (default true)

            """, text);
        Assert.Contains("\n      --timeout duration      limit (default 30s)\n", CommandLine.Parse(_root, ["tcp", "-h"]).Output, StringComparison.Ordinal);
    }
}
