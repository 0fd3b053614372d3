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

export const plain = (value) => formatter("plain", { maximumFractionDigits: 8 }).format(value);

const parts = new Intl.DateTimeFormat("en-US", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
export const day = (iso) => {
  const named = Object.fromEntries(parts.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  return `${named.weekday} ${named.day} ${named.month} ${named.year}`;
};

// The market's own clock, wherever the reader is.
const MARKET = "America/New_York";
const clock = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", hourCycle: "h23", timeZone: MARKET });
export const time = (moment) => clock.format(new Date(moment));

// A day, or a minute of one.
export const when = (iso) => (iso.length > 10 ? `${time(iso)} ET` : day(iso));
