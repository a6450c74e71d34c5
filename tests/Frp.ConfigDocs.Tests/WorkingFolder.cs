[assembly: AssemblyFixture(typeof(Frp.ConfigDocs.Tests.WorkingFolder))]

namespace Frp.ConfigDocs.Tests;

/// <summary>Where the tests run: the examples include files from a folder <c>conf.d</c>, which has to be there.</summary>
public sealed class WorkingFolder : IDisposable
{
    private readonly string _before = Directory.GetCurrentDirectory();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-docs-");

    public WorkingFolder()
    {
        _folder.CreateSubdirectory("conf.d");
        Directory.SetCurrentDirectory(_folder.FullName);
    }

    public void Dispose()
    {
        Directory.SetCurrentDirectory(_before);
        _folder.Delete(recursive: true);
    }
}
