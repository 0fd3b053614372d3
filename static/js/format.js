// Numbers and days in the page's language; the server has rounded already, this only writes them.

const LOCALE = document.documentElement.lang || "en";
const cache = new Map();

const formatter = (key, options) => {
  if (!cache.has(key)) cache.set(key, new Intl.NumberFormat(LOCALE, options));
  return cache.get(key);
};

const minus = (text) => text.replace("-", "\u2212");

export const money = (value, currency) => minus(formatter(currency, { style: "currency", currency }).format(value));

export const signedMoney = (value, currency) =>
  minus(formatter(`+${currency}`, { style: "currency", currency, signDisplay: "exceptZero" }).format(value));

export const shortMoney = (value, currency) =>
  minus(formatter(`short${currency}`, { style: "currency", currency, notation: "compact", maximumSignificantDigits: 4 }).format(value));

export const signedPercent = (ratio, places = 2) =>
  minus(formatter(`%${places}`, { style: "percent", signDisplay: "exceptZero", minimumFractionDigits: places, maximumFractionDigits: places }).format(ratio));

export const percent = (ratio, places = 1) =>
  minus(formatter(`p${places}`, { style: "percent", minimumFractionDigits: places, maximumFractionDigits: places }).format(ratio));

const parts = new Intl.DateTimeFormat("en-US", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
export const day = (iso) => {
  const named = Object.fromEntries(parts.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  return `${named.weekday} ${named.day} ${named.month} ${named.year}`;
};
