using System.Globalization;
using Frp.Siege;

if (args is ["attack", ..])
{
    await Attackers.RunAsync(Array.ConvertAll(args[1..], port => int.Parse(port, CultureInfo.InvariantCulture)));
    return 0;
}
var duration = TimeSpan.FromSeconds(args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 60);
bool holds = await Sieges.OfStrangersAsync(duration);
return await Sieges.OfAnHonestCrowdAsync(duration) && holds ? 0 : 1;
