using System.Text;
using Frp.Config;
using Frp.Config.Flags;

namespace Frp.Hosting;

/// <summary>A command that asks the running program something and shows the outcome.</summary>
public static class AdminCommand
{
    private const int MaxNoticeLength = 16384;

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Makes the command.</summary>
    /// <param name="name">Name.</param>
    /// <param name="summary">One line for the list of commands.</param>
    /// <param name="server">Reads where the program's web server is, from the configuration file that the flags name.</param>
    /// <param name="ask">Asks, and returns what to show.</param>
    public static Command Create(string name, string summary, Func<WebServerConfig> server, Func<AdminApi, Task<string>> ask)
    {
        var timeout = DefaultTimeout;
        return new Command(name, summary)
        {
            Declare = command => command.Local.Duration("api-timeout", null, DefaultTimeout, "how long the running program may take to answer", v => timeout = v),
            Run = async () =>
            {
                using var api = new AdminApi(server(), timeout);
                Console.Write(await ask(api));
            },
        };
    }

    /// <summary>Makes the command <c>reload</c>. A server's answer names what only a restart applies.</summary>
    /// <param name="server">As for <see cref="Create"/>.</param>
    /// <param name="isStrict">Unknown keys are mistakes, there as here.</param>
    public static Command Reload(Func<WebServerConfig> server, Func<bool> isStrict) =>
        Create("reload", "Have the running program read its configuration file again", server, async api =>
        {
            byte[] notice = await api.AskAsync(HttpMethod.Get, isStrict() ? "/api/reload?strictConfig=true" : "/api/reload");
            return "reload success\n" + ConsoleText.Plain(Encoding.UTF8.GetString(notice), MaxNoticeLength);
        });
}
