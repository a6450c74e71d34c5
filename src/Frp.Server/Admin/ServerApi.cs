using Frp.Config;
using Frp.Web;
using Microsoft.AspNetCore.Http;

namespace Frp.Server;

/// <summary>What a server shows on its web server.</summary>
/// <remarks>The reload is ours: the reference's server has none. It answers as the client's does (http-api specification §6).</remarks>
internal sealed class ServerApi(FrpServer server)
{
    internal WebSurface Surface => new() { Routes = [WebRoute.Get("/api/reload", ReloadAsync)], DescribeState = server.DescribeState };

    /// <summary>Reads the configuration again. The body names the keys that only a restart applies; it is empty when there are none.</summary>
    private async ValueTask<WebAnswer> ReloadAsync(WebRequest request)
    {
        try
        {
            var result = await server.ReloadAsync(request.QueryFlag("strictConfig"), request.Aborted);
            return result.NeedRestart.Count == 0 ? WebAnswer.Empty : WebAnswer.Text(result.RestartNotice + "\n");
        }
        catch (ConfigException e)
        {
            return WebAnswer.Error(StatusCodes.Status400BadRequest, $"invalid argument: {e.Message}");
        }
    }
}
