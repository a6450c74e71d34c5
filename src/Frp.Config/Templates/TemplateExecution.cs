using System.Runtime.CompilerServices;

namespace Frp.Config.Templates;

/// <summary>Renders a template: walks its parts and prints. What it may do is bounded, so that no file can keep a program busy.</summary>
/// <remarks>Source: Go, package text/template. Single use, by one thread.</remarks>
internal sealed partial class TemplateExecution
{
    private const int MaxOutput = ConfigFile.MaxBytes;
    // About a second's worth; a step is a part that is walked, a word that is evaluated, or 64 characters that a function looks at.
    private const int MaxSteps = 5_000_000;
    private const int CharactersPerStep = 64;
    private const int MaxDepth = 1000;

    private readonly ParsedTemplate _template;
    private readonly TemplateData _data;
    private readonly bool _withRanges;
    private readonly TemplateOutput _output = new();
    private List<(string Name, object? Value)> _variables = [];
    private TemplateNode? _at;
    private string _name = TemplateParser.MainName;
    private int _depth;
    private int _steps;

    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    public TemplateExecution(ParsedTemplate template, TemplateData data, bool withRanges) => (_template, _data, _withRanges) = (template, data, withRanges);

    /// <exception cref="TemplateException">It cannot be rendered.</exception>
    public RenderedText Run()
    {
        _variables.Add(("$", _data));
        Walk(_data, _template.Templates[TemplateParser.MainName]);
        return _output.Done(_template.LineOf(_template.Text.Length));
    }

    private Flow Walk(object? dot, TemplateNode node)
    {
        _at = node;
        Spend(1);
        switch (node)
        {
            case TextNode text:
                Print(text.Text, isOwn: true);
                return Flow.Next;
            case ActionNode action:
                var value = Pipeline(dot, action.Pipe);
                _at = action;
                if (action.Pipe.Variables.Count == 0)
                    Print(GoValues.Printed(value), isOwn: false);
                return Flow.Next;
            case ListNode list:
                foreach (var inner in list.Nodes)
                    if (Walk(dot, inner) is var flow and not Flow.Next)
                        return flow;
                return Flow.Next;
            case BranchNode branch:
                return Branch(dot, branch);
            case RangeNode range:
                return Range(dot, range);
            case JumpNode jump:
                return jump.IsBreak ? Flow.Break : Flow.Continue;
            case CallNode call:
                Call(dot, call);
                return Flow.Next;
            default:
                throw Fault($"unknown node: {node}");
        }
    }

    private Flow Branch(object? dot, BranchNode branch)
    {
        using var depth = Deeper();
        var mark = _variables.Count;
        var value = Pipeline(dot, branch.Pipe);
        var flow = GoType.IsTrue(value) ? Walk(branch.IsWith ? value : dot, branch.List)
            : branch.Else is not null ? Walk(dot, branch.Else) : Flow.Next;
        CutTo(mark);
        return flow;
    }

    private Flow Range(object? dot, RangeNode range)
    {
        using var depth = Deeper();
        var start = _variables.Count;
        var value = Pipeline(dot, range.Pipe);
        var mark = _variables.Count;
        var (count, flow) = (0, Flow.Next);
        foreach (var (index, element) in Elements(value, range.Pipe.Variables.Count))
        {
            count++;
            Spend(1);
            SetVariables(range.Pipe, index, element);
            flow = Walk(element, range.List);
            CutTo(mark);
            if (flow == Flow.Break)
                break;
        }
        flow = count == 0 && range.Else is not null ? Walk(dot, range.Else) : Flow.Next;
        CutTo(start);
        return flow;
    }

    private IEnumerable<(object? Index, object? Element)> Elements(object? value, int variables)
    {
        switch (value)
        {
            case null:
                return [];
            case TemplateList list:
                return Enumerable.Range(0, list.Count).Select(i => ((object?)(long)i, (object?)list[i]));
            case EnvironmentMap map:
                return map.Sorted.Select(v => ((object?)v.Name, (object?)v.Value));
        }
        if (!GoType.IsInteger(value, out var end))
            throw Fault($"range can't iterate over {GoValues.Printed(value)}");
        return variables <= 1 ? UpTo(end, value) : throw Fault($"can't use {GoValues.Printed(value)} to iterate over more than one variable");
    }

    private static IEnumerable<(object? Index, object? Element)> UpTo(long end, object like)
    {
        for (long i = 0; i < end; i++)
            yield return (null, like switch { ListedNumber => new ListedNumber(i), byte => (byte)i, _ => i });
    }

    private void SetVariables(PipeNode pipe, object? index, object? element)
    {
        if (pipe.Variables.Count == 0)
            return;
        if (pipe.IsAssign)
        {
            if (pipe.Variables.Count > 1)
                SetVariable(pipe.Variables[0].Name, index);
            SetVariable(pipe.Variables[^1].Name, element);
            return;
        }
        _variables[^1] = (_variables[^1].Name, element);
        if (pipe.Variables.Count > 1)
            _variables[^2] = (_variables[^2].Name, index);
    }

    private void Call(object? dot, CallNode call)
    {
        if (!_template.Templates.TryGetValue(call.Name, out var body))
            throw Fault($"template {GoQuote.Of(call.Name)} not defined");
        using var depth = Deeper();
        var value = call.Pipe is null ? null : Pipeline(dot, call.Pipe);
        var (variables, name) = (_variables, _name);
        (_variables, _name) = ([("$", value)], call.Name);
        Walk(value, body);
        (_variables, _name) = (variables, name);
    }

    private void Print(string text, bool isOwn)
    {
        if (text.Length > MaxOutput - _output.Length)
            throw Fault($"the rendered text is longer than {MaxOutput} characters");
        Spend(text.Length / CharactersPerStep);
        _output.Write(text, _template.LineOf(_at!.Position), isOwn);
    }

    private Depth Deeper()
    {
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Fault($"exceeded maximum template depth ({MaxDepth})");
        return new Depth(this);
    }

    private void Spend(int steps)
    {
        _steps += steps;
        if (_steps > MaxSteps)
            throw Fault($"the template takes more than {MaxSteps} steps");
    }

    private void CutTo(int count) => _variables.RemoveRange(count, _variables.Count - count);

    private TemplateException Fault(string message)
    {
        var (line, column) = _template.Locate(_at?.Position ?? 0);
        return new TemplateException(line, $"template: {TemplateParser.MainName}:{line}:{column}: executing {GoQuote.Of(_name)} at <{_at}>: {message}");
    }

    private readonly struct Depth(TemplateExecution execution) : IDisposable
    {
        public void Dispose() => execution._depth--;
    }
}
