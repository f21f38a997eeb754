/** Value of a metric at the /metrics of a gateway, summed over all series with these labels. */
export async function metric(
  gatewayUrl: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await fetch(new URL('/metrics', gatewayUrl));
  if (!response.ok) throw new Error(`The gateway answered /metrics with ${response.status}.`);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const values = (await response.text())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && wanted.every((label) => line.includes(label)))
    .map((line) => Number(line.slice(line.lastIndexOf(' '))));
  if (values.length === 0) throw new Error(`The gateway has no metric ${name}.`);
  return values.reduce((sum, value) => sum + value, 0);
}
