using System.Globalization;

namespace Frp.TestKit;

/// <summary>A folder of one test and the programs that it runs.</summary>
/// <remarks><b>Ownership.</b> Disposing it kills the programs and deletes the folder.</remarks>
public sealed class Workspace : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-e2e-");
    private readonly List<RunningProgram> _programs = [];
    private int _files;

    /// <summary>The folder.</summary>
    public string Folder => _folder.FullName;

    /// <summary>Everything that was started.</summary>
    public IReadOnlyList<RunningProgram> Programs => _programs;

    /// <summary>Writes a file without extension, as a program's configuration.</summary>
    /// <returns>Its path.</returns>
    public string Write(string content)
    {
        string path = Path.Combine(Folder, (++_files).ToString(CultureInfo.InvariantCulture));
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Starts a program of the product, with an environment as empty as it can be.</summary>
    /// <param name="program"><c>frps</c> or <c>frpc</c>.</param>
    /// <param name="arguments">Its arguments.</param>
    public RunningProgram Run(string program, params IEnumerable<string> arguments) =>
        Keep(RunningProgram.Start(program, ProductPrograms.PathOf(program), arguments, ProductPrograms.Environment, Folder));

    /// <summary>Starts a foreign program that runs one of the product, in the product's environment.</summary>
    /// <param name="file">The executable.</param>
    /// <param name="arguments">Its arguments, with the product's program and its own.</param>
    public RunningProgram RunAround(string file, params IEnumerable<string> arguments) =>
        Keep(RunningProgram.Start(Path.GetFileName(file), file, arguments, ProductPrograms.Environment, Folder));

    /// <summary>Starts a program of the product with variables in its environment that are otherwise not there.</summary>
    /// <param name="program"><c>frps</c> or <c>frpc</c>.</param>
    /// <param name="variables">The variables.</param>
    /// <param name="arguments">Its arguments.</param>
    public RunningProgram Run(string program, IReadOnlyDictionary<string, string> variables, params IEnumerable<string> arguments) =>
        Keep(RunningProgram.Start(program, ProductPrograms.PathOf(program), arguments, ProductPrograms.Environment.Concat(variables).ToDictionary(), Folder));

    /// <summary>Starts a foreign program, with this process's path.</summary>
    /// <param name="file">The executable.</param>
    /// <param name="arguments">Its arguments.</param>
    public RunningProgram RunForeign(string file, params IEnumerable<string> arguments) => RunForeign(file, new Dictionary<string, string>(), arguments);

    /// <summary>Starts a foreign program, with this process's path and more variables.</summary>
    /// <param name="file">The executable.</param>
    /// <param name="variables">The variables.</param>
    /// <param name="arguments">Its arguments.</param>
    public RunningProgram RunForeign(string file, IReadOnlyDictionary<string, string> variables, params IEnumerable<string> arguments) =>
        Keep(RunningProgram.Start(Path.GetFileName(file), file, arguments, variables.Append(new("PATH", Environment.GetEnvironmentVariable("PATH") ?? "")).ToDictionary(), Folder));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var program in _programs) await program.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private RunningProgram Keep(RunningProgram program)
    {
        _programs.Add(program);
        return program;
    }
}
