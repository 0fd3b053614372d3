// Where a time axis is labelled: hours of a session, days of a week, Mondays of a quarter, first days of months; never more than fit.

import { time as writeTime } from "./format.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const EDGE = 0.03;

const every = (days, most) => {
  const step = Math.ceil(days.length / most);
  return days.filter((_, i) => i % step === 0);
};

const daysBetween = (start, end, wanted) => {
  const found = [];
  for (let time = start; time <= end; time += DAY) if (wanted(new Date(time))) found.push(time);
  return found;
};

// New York is whole hours away from UTC, in summer too.
const hours = (start, end) => {
  const found = [];
  for (let time = Math.ceil(start / HOUR) * HOUR; time <= end; time += HOUR) found.push(time);
  return found;
};

// Months since year 0, so that steps of 2, 3 or 6 fall on the same months every year.
const monthNumber = (date) => date.getUTCFullYear() * 12 + date.getUTCMonth();

const months = (start, end, most) => {
  const all = daysBetween(start, end, (date) => date.getUTCDate() === 1);
  const step = [1, 2, 3, 6, 12, 24, 60].find((size) => all.length / size <= most) ?? 120;
  return all.filter((time) => monthNumber(new Date(time)) % step === 0);
};

// en-US writes Sep where en-GB writes Sept: three letters, as the server does.
const month = new Intl.DateTimeFormat("en-US", { month: "short", timeZone: "UTC" });

const writeDay = (time) => `${new Date(time).getUTCDate()} ${month.format(time)}`;

const writeMonth = (time) => {
  const date = new Date(time);
  return date.getUTCMonth() === 0 ? String(date.getUTCFullYear()) : month.format(date);
};

// {values, write}: times in milliseconds (UTC days) and how to write one. Labels keep clear of both ends.
export const timeTicks = (start, end, most) => {
  const days = (end - start) / DAY;
  const inside = (time) => time - start >= (end - start) * EDGE && end - time >= (end - start) * EDGE;
  if (days < 1) return { values: every(hours(start, end).filter(inside), most), write: writeTime };
  if (days > 100) return { values: months(start, end, most).filter(inside), write: writeMonth };
  const wanted = days <= 10 ? () => true : (date) => date.getUTCDay() === 1;
  return { values: every(daysBetween(start, end, wanted).filter(inside), most), write: writeDay };
};
