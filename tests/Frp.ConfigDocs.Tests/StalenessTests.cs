using ConfigDocs;

namespace Frp.ConfigDocs.Tests;

public class StalenessTests
{
    [Fact]
    public void What_derives_from_the_model_is_as_the_model_is_now()
    {
        var stale = Outputs.Of(Docs.Folder).Where(file => !File.Exists(Path.Combine(Docs.Folder, file.Key)) || Docs.Read(file.Key) != file.Value).Select(file => file.Key);
        Assert.True(!stale.Any(), $"stale: {string.Join(", ", stale)}. Run eng/update-docs.sh and look at what changed.");
    }

    [Theory]
    [InlineData("<!-- keys: a -->\nold\n<!-- end -->\n", "x\n<!-- keys: a -->\n\nnew\n\n<!-- end -->\ny\n")]
    [InlineData("<!-- keys: a -->\n<!-- end -->", "x\n<!-- keys: a -->\n\nnew\n\n<!-- end -->\ny\n")]
    public void A_part_is_replaced_and_the_prose_stays(string part, string expected) =>
        Assert.Equal(expected, MarkedFile.Fill($"x\n{part.TrimEnd('\n')}\ny\n", new Dictionary<string, string> { ["a"] = "new\n" }));

    [Theory]
    [InlineData("prose\n", "without a place: a")]
    [InlineData("<!-- keys: a -->\n", "the part \"a\" has no end")]
    [InlineData("<!-- keys: a -->\n<!-- keys: a -->\n<!-- end -->\n", "the part \"a\" has no end")]
    [InlineData("<!-- keys: b -->\n<!-- end -->\n", "nothing is called \"b\"")]
    [InlineData("<!-- end -->\n", "an end without a beginning")]
    public void Prose_that_does_not_fit_the_model_is_refused(string text, string expected) =>
        Assert.Equal(expected, Assert.Throws<InvalidDataException>(() => MarkedFile.Fill(text, new Dictionary<string, string> { ["a"] = "new\n" })).Message);
}
