namespace Frp.Config.Templates;

/// <summary>Configuration files as templates: <c>{{ .Envs.NAME }}</c> and the rest of Go's text/template.</summary>
internal static class ConfigTemplate
{
    /// <summary>Something in the text is to be replaced; without that rendering changes nothing.</summary>
    public static bool IsTemplate(ReadOnlySpan<byte> content) => content.IndexOf("{{"u8) >= 0;

    /// <summary>Renders a file.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="options">Where the environment comes from.</param>
    /// <param name="withRanges">The functions for lists of numbers exist.</param>
    /// <exception cref="ConfigException">The template is broken, or does not come to an end.</exception>
    public static RenderedText Render(string text, string name, LoadOptions options, bool withRanges)
    {
        try
        {
            var template = TemplateParser.Parse(text, function => TemplateFunctions.Find(function, withRanges) is not null);
            var data = new TemplateData(new EnvironmentMap(options.Environment, options.EnvironmentNames));
            return new TemplateExecution(template, data, withRanges).Run();
        }
        catch (TemplateException e)
        {
            throw ConfigDocument.Fault(name, e.Line, e.Message);
        }
    }
}
