namespace Kcp;

/// <summary>The Reed-Solomon code of 10 data and 3 parity shards: any 10 of the 13 yield the others.</summary>
/// <remarks>
/// <para>The matrix is a Vandermonde matrix, <c>V[r,c] = r^c</c>, times the inverse of its first ten rows, so that data shards are themselves.</para>
/// <para><b>Source.</b> Wire reference 4.4.4; recorded parity in the tests.</para>
/// </remarks>
internal static class ParityCode
{
    internal const int DataShards = 10;
    internal const int ParityShards = 3;
    internal const int Shards = DataShards + ParityShards;

    private static readonly byte[,] Rows = CreateRows();

    /// <summary>What a data shard is multiplied by in a parity shard.</summary>
    internal static byte Factor(int parity, int data) => Rows[parity, data];

    /// <summary>Computes the data shards that are missing.</summary>
    /// <param name="shards">Data, then parity; null for what is missing. Shorter ones count as if zeros followed.</param>
    /// <param name="length">Of the longest.</param>
    /// <param name="missing">The data shards that are missing, at most as many as there are parity shards.</param>
    /// <param name="results">As many buffers of <paramref name="length"/>, to be filled.</param>
    internal static void Reconstruct(ReadOnlySpan<FecShard> shards, int length, ReadOnlySpan<int> missing, ReadOnlySpan<byte[]> results)
    {
        int count = missing.Length;
        Span<byte> matrix = stackalloc byte[count * count];
        Span<byte> inverse = stackalloc byte[count * count];
        Span<int> parities = stackalloc int[count];
        for (int i = 0, parity = 0; i < count; parity++)
        {
            if (shards[DataShards + parity].Data is null) continue;
            for (int j = 0; j < count; j++) matrix[i * count + j] = Rows[parity, missing[j]];
            parities[i++] = parity;
        }
        Invert(matrix, inverse, count);

        // What the missing shards alone contribute to the parity: the parity without what the present ones do.
        foreach (byte[] result in results) result.AsSpan(0, length).Clear();
        Span<byte> rest = stackalloc byte[length];
        for (int i = 0; i < count; i++)
        {
            shards[DataShards + parities[i]].Span.CopyTo(rest);
            for (int data = 0; data < DataShards; data++)
            {
                if (shards[data].Data is not null) Gf256.AddProduct(shards[data].Span, Rows[parities[i], data], rest);
            }
            for (int j = 0; j < count; j++) Gf256.AddProduct(rest, inverse[j * count + i], results[j].AsSpan(0, length));
        }
    }

    private static byte[,] CreateRows()
    {
        Span<byte> top = stackalloc byte[DataShards * DataShards];
        Span<byte> inverse = stackalloc byte[DataShards * DataShards];
        for (int r = 0; r < DataShards; r++)
        {
            for (int c = 0; c < DataShards; c++) top[r * DataShards + c] = Gf256.Power((byte)r, c);
        }
        Invert(top, inverse, DataShards);
        var rows = new byte[ParityShards, DataShards];
        for (int r = 0; r < ParityShards; r++)
        {
            for (int c = 0; c < DataShards; c++)
            {
                for (int k = 0; k < DataShards; k++)
                    rows[r, c] ^= Gf256.Multiply(Gf256.Power((byte)(DataShards + r), k), inverse[k * DataShards + c]);
            }
        }
        return rows;
    }

    // Gauss-Jordan. Every square that this code asks for can be inverted: that is what makes any ten shards enough.
    private static void Invert(Span<byte> matrix, Span<byte> inverse, int size)
    {
        inverse.Clear();
        for (int i = 0; i < size; i++) inverse[i * size + i] = 1;
        for (int column = 0; column < size; column++)
        {
            int pivot = column;
            while (matrix[pivot * size + column] == 0) pivot++;
            if (pivot != column)
            {
                SwapRows(matrix, pivot, column, size);
                SwapRows(inverse, pivot, column, size);
            }
            byte scale = Gf256.Invert(matrix[column * size + column]);
            for (int k = 0; k < size; k++)
            {
                matrix[column * size + k] = Gf256.Multiply(matrix[column * size + k], scale);
                inverse[column * size + k] = Gf256.Multiply(inverse[column * size + k], scale);
            }
            for (int row = 0; row < size; row++)
            {
                byte factor = matrix[row * size + column];
                if (row == column || factor == 0) continue;
                Gf256.AddProduct(matrix.Slice(column * size, size), factor, matrix.Slice(row * size, size));
                Gf256.AddProduct(inverse.Slice(column * size, size), factor, inverse.Slice(row * size, size));
            }
        }
    }

    private static void SwapRows(Span<byte> matrix, int a, int b, int size)
    {
        for (int k = 0; k < size; k++) (matrix[a * size + k], matrix[b * size + k]) = (matrix[b * size + k], matrix[a * size + k]);
    }
}

/// <summary>One shard in a rented buffer; without data it is missing.</summary>
internal readonly record struct FecShard(byte[]? Data, int Length)
{
    internal ReadOnlySpan<byte> Span => Data.AsSpan(0, Length);
}
