using System.Globalization;
using System.Text;
using Frp.Fuzz;

const string Usage = """
    usage: Frp.Fuzz list                                           the targets
           Frp.Fuzz sources TARGET                                 what its report of covered lines is about
           Frp.Fuzz instrument ASSEMBLY...                         lets assemblies count their edges, in place
           Frp.Fuzz replay CORPUS [TARGET...]                      every file of the corpora, without an engine
           Frp.Fuzz run TARGET SECONDS FINDS [OPTION|FOLDER...]    fuzzes for so many seconds of processor time
           Frp.Fuzz words TARGET                                   its dictionary, as the engine reads it
    """;

LibFuzzer.ConnectNobody();
switch (args)
{
    case ["list"]:
        foreach (var target in FuzzTargets.All) Console.WriteLine(target.Name);
        return 0;
    case ["sources", var name]:
        foreach (string source in FuzzTargets.Of(name).Sources) Console.WriteLine(source);
        return 0;
    case ["words", var name]:
        foreach (string word in FuzzTargets.Of(name).Words) Console.WriteLine(Quote(word));
        return 0;
    case ["instrument", .. var assemblies]:
        foreach (string assembly in assemblies) SharpFuzz.Fuzzer.Instrument(assembly, static _ => true, SharpFuzz.Options.Value);
        return 0;
    case ["replay", var corpus, .. var names]:
        foreach (var target in names.Length == 0 ? FuzzTargets.All : names.Select(FuzzTargets.Of)) Console.WriteLine($"{target.Name}: {Corpus.Replay(corpus, target)} inputs");
        return 0;
    case ["run", var name, var seconds, var finds, .. var options]:
        LibFuzzer.Connect();
        return LibFuzzer.Run(FuzzTargets.Of(name), TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)), finds, options);
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}

// Source: libFuzzer's dictionaries: quoted, everything but plain characters as \xHH.
static string Quote(string word)
{
    var text = new StringBuilder("\"");
    foreach (byte b in Encoding.Latin1.GetBytes(word)) text.Append(b is >= 0x20 and <= 0x7e and not (byte)'"' and not (byte)'\\' ? ((char)b).ToString() : $"\\x{b:X2}");
    return text.Append('"').ToString();
}
