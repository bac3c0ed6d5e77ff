/**
 * The text, cut to at most `lengthMax` UTF-16 units. A surrogate pair that the cut breaks is replaced, since DynamoDB
 * rejects lone surrogates.
 */
export function truncate(text: string, lengthMax: number): string {
  const short = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return short.toWellFormed();
}
