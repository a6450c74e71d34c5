namespace Frp.Config.Templates;

internal sealed partial class TemplateExecution
{
    // In the place of the last argument, where no command before has made one.
    private static readonly object Missing = new();

    private object? Pipeline(object? dot, PipeNode pipe)
    {
        using var depth = Deeper();
        _at = pipe;
        object? value = Missing;
        foreach (var command in pipe.Commands)
            value = Command(dot, command, value);
        foreach (var variable in pipe.Variables)
            if (pipe.IsAssign) SetVariable(variable.Name, value);
            else _variables.Add((variable.Name, value));
        return value;
    }

    private object? Command(object? dot, CommandNode command, object? final)
    {
        Spend(1);
        var first = command.Words[0];
        switch (first)
        {
            case FieldNode field:
                _at = field;
                return Fields(dot, field.Names, command.Words, final);
            case ChainNode chain:
                return Chain(dot, chain, command.Words, final);
            case IdentifierNode identifier:
                _at = identifier;
                return Function(dot, identifier, command, command.Words, final);
            case PipeNode pipe:
                NoArguments(command.Words, final);
                return Pipeline(dot, pipe);
            case VariableNode variable:
                return Variable(variable, command.Words, final);
        }
        _at = first;
        NoArguments(command.Words, final);
        return first switch
        {
            DotNode => dot,
            ConstantNode constant => Constant(constant),
            _ => throw Fault("nil is not a command"),
        };
    }

    private object Constant(ConstantNode constant)
    {
        _at = constant;
        return constant.Value is UnsignedConstant unsigned ? throw Fault(unsigned.Message) : constant.Value;
    }

    private void NoArguments(List<TemplateNode> words, object? final)
    {
        if (words.Count > 1 || final != Missing)
            throw Fault($"can't give argument to non-function {words[0]}");
    }

    private object? Chain(object? dot, ChainNode chain, List<TemplateNode>? words, object? final)
    {
        _at = chain;
        var receiver = Argument(dot, chain.Node, Parameter.Any);
        return Fields(receiver, chain.Fields, words, final);
    }

    private object? Variable(VariableNode variable, List<TemplateNode>? words, object? final)
    {
        _at = variable;
        var value = VariableValue(variable.Name);
        if (variable.Fields.Count > 0)
            return Fields(value, variable.Fields, words, final);
        if (words is not null)
            NoArguments(words, final);
        return value;
    }

    private object? Fields(object? receiver, IReadOnlyList<string> names, List<TemplateNode>? words, object? final)
    {
        for (var i = 0; i < names.Count; i++)
            receiver = Field(receiver, names[i], i == names.Count - 1 && (words is { Count: > 1 } || final != Missing));
        return receiver;
    }

    private object? Field(object? receiver, string name, bool hasArguments)
    {
        switch (receiver)
        {
            case null:
                return null;
            case EnvironmentMap map:
                return hasArguments ? throw Fault($"{name} is not a method but has arguments") : map[name];
            case TemplateData data when name == "Envs":
                return hasArguments ? throw HasArguments(name) : data.Envs;
            case NumberPair pair when name is "First" or "Second":
                return hasArguments ? throw HasArguments(name) : new ListedNumber(name == "First" ? pair.First : pair.Second);
            default:
                throw Fault($"can't evaluate field {name} in type {GoType.Name(receiver)}");
        }
    }

    private TemplateException HasArguments(string name) => Fault($"{name} has arguments but cannot be invoked as function");

    private object? Function(object? dot, IdentifierNode identifier, TemplateNode node, List<TemplateNode>? words, object? final)
    {
        var name = identifier.Name;
        var function = TemplateFunctions.Find(name, _withRanges)!;
        var given = words is null ? 0 : words.Count - 1;
        var count = given + (final == Missing ? 0 : 1);
        if (function.Rest is not null && count < function.Fixed.Length)
            throw Fault($"wrong number of args for {name}: want at least {function.Fixed.Length} got {given}");
        if (function.Rest is null && count != function.Fixed.Length)
            throw Fault($"wrong number of args for {name}: want {function.Fixed.Length} got {count}");
        if (name is "and" or "or")
            return Shortest(dot, name == "or", words, final);
        var arguments = new object?[count];
        for (var i = 0; i < given; i++)
            arguments[i] = Argument(dot, words![i + 1], ParameterAt(function, i));
        if (final != Missing)
            arguments[^1] = Checked(final, ParameterAt(function, count - 1));
        if (name == "call" && arguments[0] is { } value)
        {
            _at = node;
            throw Fault($"error calling call: non-function {(given > 0 ? words![1] : GoType.ValueText(value))} of type {GoType.Name(value)}");
        }
        return Invoke(name, function, arguments, node);
    }

    private static Parameter ParameterAt(TemplateFunction function, int i) => i < function.Fixed.Length ? function.Fixed[i] : function.Rest!.Value;

    // "and" and "or": no argument is looked at behind the one that decides.
    private object? Shortest(object? dot, bool ending, List<TemplateNode>? words, object? final)
    {
        object? value = null;
        for (var i = 1; i < (words?.Count ?? 0); i++)
        {
            value = Argument(dot, words![i], Parameter.Any);
            if (GoType.IsTrue(value) == ending)
                return value;
        }
        return final == Missing ? value : final;
    }

    private object? Invoke(string name, TemplateFunction function, object?[] arguments, TemplateNode node)
    {
        foreach (var argument in arguments)
            Spend(Weight(argument));
        try
        {
            var result = function.Invoke(arguments);
            if (result is string { Length: > TemplateFunctions.MaxText })
                throw new FormatException($"the text is longer than {TemplateFunctions.MaxText} characters");
            Spend(Weight(result));
            return result;
        }
        catch (FormatException e)
        {
            _at = node;
            throw Fault($"error calling {name}: {e.Message}");
        }
    }

    // What it costs to look at a value once.
    private static int Weight(object? value) => value switch
    {
        string text => text.Length / CharactersPerStep,
        TemplateList list => list.Count / CharactersPerStep,
        _ => 0,
    };

    private object? Argument(object? dot, TemplateNode node, Parameter wanted)
    {
        Spend(1);
        _at = node;
        switch (node)
        {
            case DotNode:
                return Checked(dot, wanted);
            case NilNode:
                return wanted == Parameter.Any ? null : throw Fault("cannot assign nil to string");
            case FieldNode field:
                return Checked(Fields(dot, field.Names, null, Missing), wanted);
            case VariableNode variable:
                return Checked(Variable(variable, null, Missing), wanted);
            case PipeNode pipe:
                return Checked(Pipeline(dot, pipe), wanted);
            case IdentifierNode identifier:
                return Checked(Function(dot, identifier, identifier, null, Missing), wanted);
            case ChainNode chain:
                return Checked(Chain(dot, chain, null, Missing), wanted);
            case ConstantNode constant when wanted == Parameter.Any || constant.Value is string:
                return Constant(constant);
            default:
                throw Fault($"expected string; found {node}");
        }
    }

    private object? Checked(object? value, Parameter wanted)
    {
        if (wanted == Parameter.Any || value is string)
            return value;
        throw Fault(value is null ? "invalid value; expected string" : $"wrong type for value; expected string; got {GoType.Name(value)}");
    }

    private object? VariableValue(string name)
    {
        var i = Find(name);
        return _variables[i].Value;
    }

    private void SetVariable(string name, object? value) => _variables[Find(name)] = (name, value);

    private int Find(string name)
    {
        for (var i = _variables.Count - 1; i >= 0; i--)
            if (_variables[i].Name == name)
            {
                Spend((_variables.Count - i) / CharactersPerStep);
                return i;
            }
        throw Fault($"undefined variable: {name}");
    }
}
