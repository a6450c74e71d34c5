namespace Frp.Wire.Tests;

public sealed class VectorFileTests
{
    [Fact]
    public void Every_vector_file_has_a_reader()
    {
        string[] read = [VectorFile.V1Session, VectorFile.V2Session, VectorFile.XChaCha, VectorFile.Layers, VectorFile.UdpMessages, VectorFile.KnownAnswers];
        var present = Directory.GetFiles(VectorFile.Folder).Select(Path.GetFileName).Where(n => n != "README.md");
        Assert.Equal(read.Order(), present.Order()!);
    }
}
