using System.Runtime.InteropServices;

namespace Frp.TestKit;

/// <summary>Where frps and frpc are: in the folder that FRP_PROGRAMS names (single files), else where this build has put them.</summary>
public static class ProductPrograms
{
    private static readonly string? Given = System.Environment.GetEnvironmentVariable("FRP_PROGRAMS") is { Length: > 0 } folder ? Path.GetFullPath(folder) : null;

    /// <summary>Whether the programs need nothing but themselves, so that they can run in an environment without any variable.</summary>
    public static bool AreSelfContained => Given is not null;

    /// <summary>The smallest environment in which the programs run: empty, or where the runtime is when they need one.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } =
        AreSelfContained ? new Dictionary<string, string>() : new Dictionary<string, string> { ["DOTNET_ROOT"] = RuntimeFolder() };

    /// <summary>The executable of a program.</summary>
    public static string PathOf(string program)
    {
        // <top>/tests/<suite>/bin/<configuration>/<framework>
        var output = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        string path = Given is not null
            ? Path.Combine(Given, program)
            : Path.Combine(output.FullName, "../../../../..", "src", program, "bin", output.Parent!.Name, output.Name, program);
        return File.Exists(path) ? Path.GetFullPath(path) : throw new FileNotFoundException($"{program} has not been built", path);
    }

    // <root>/shared/Microsoft.NETCore.App/<version>/
    private static string RuntimeFolder() => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
}
