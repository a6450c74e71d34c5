namespace Frp.Config;

/// <summary>Features that a configuration may use only when the user allowed them by flag.</summary>
[Flags]
public enum UnsafeFeatures
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>A secret may come from a program that is run.</summary>
    TokenSourceExec = 1,
}

/// <summary>What a configuration is loaded for.</summary>
public enum LoadPurpose
{
    /// <summary>To be run.</summary>
    Run,
    /// <summary>To be judged: names of feature gates are not looked at.</summary>
    Verify,
    /// <summary>To find the program that runs it: what can be read is used, and nothing is judged.</summary>
    Find,
}

/// <summary>How a configuration is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>Strict, nothing unsafe, the process's environment.</summary>
    public static LoadOptions Standard { get; } = new();

    /// <summary>Unknown keys are mistakes; otherwise they are ignored.</summary>
    public bool Strict { get; init; } = true;

    /// <summary>What the user allowed by flag.</summary>
    public UnsafeFeatures AllowUnsafe { get; init; }

    /// <summary>What the configuration is loaded for.</summary>
    public LoadPurpose Purpose { get; init; }

    /// <summary>The environment's variables by name; <c>null</c> for one that is not set.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>The names of the environment's variables, for templates that go through all of them.</summary>
    public Func<IEnumerable<string>> EnvironmentNames { get; init; } = ProcessNames;

    /// <summary>Reads a file whole; <see cref="ConfigFile.Read"/> unless something else is wanted.</summary>
    public Func<string, byte[]> ReadFile { get; init; } = ConfigFile.Read;

    /// <summary>The features of a list of names; unknown names are ignored.</summary>
    public static UnsafeFeatures ParseUnsafe(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return names.Contains(nameof(UnsafeFeatures.TokenSourceExec), StringComparer.Ordinal) ? UnsafeFeatures.TokenSourceExec : UnsafeFeatures.None;
    }

    private static IEnumerable<string> ProcessNames() => System.Environment.GetEnvironmentVariables().Keys.Cast<string>();
}

/// <summary>A configuration that may be used, and what the user should know about it.</summary>
/// <typeparam name="T"><see cref="ServerConfig"/> or <see cref="ClientConfig"/>.</typeparam>
/// <param name="Config">Completed and valid.</param>
/// <param name="Warnings">To be shown with <c>WARNING: </c> before each.</param>
public sealed record LoadedConfig<T>(T Config, IReadOnlyList<string> Warnings);
