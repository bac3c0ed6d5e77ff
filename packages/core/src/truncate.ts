/** At most `lengthMax` UTF-16 units, and never half a character: DynamoDB refuses one. */
export function truncate(text: string, lengthMax: number): string {
  const short = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return short.toWellFormed();
}
