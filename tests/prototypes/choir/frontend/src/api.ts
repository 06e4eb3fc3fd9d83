export type Singer = { id: number; name: string; part: string };

export async function singers(): Promise<Singer[]> {
  const answer = await fetch("/api/singers");
  return answer.ok ? answer.json() : [];
}
