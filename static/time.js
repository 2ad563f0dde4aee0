// Times: relative where they are read, exact on hover, UTC or local by choice.

const KEY = "lull-times";
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const STEPS = [[60, "second"], [60, "minute"], [24, "hour"], [7, "day"], [Infinity, "week"]];

export function usesUtc() {
  return localStorage.getItem(KEY) === "utc";
}

export function useUtc(utc) {
  localStorage.setItem(KEY, utc ? "utc" : "local");
}

/** 2026-03-02 09:14:05, with the zone that it is in. */
export function exact(time) {
  const date = new Date(time);
  if (usesUtc()) return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** "3 min. ago", "in 4 min." */
export function ago(time, now = Date.now()) {
  let amount = (new Date(time).getTime() - now) / 1000;
  for (const [size, unit] of STEPS) {
    if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit);
    amount /= size;
  }
  return exact(time);
}

/** "4:05" until then; "0:00" when it has come. */
export function countdown(time, now = Date.now()) {
  const left = Math.max(0, Math.ceil((new Date(time).getTime() - now) / 1000));
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** What stands in an input of date and time for this time: local or UTC, as exact times are shown. */
export function toInput(time) {
  const date = new Date(time);
  if (time === "" || Number.isNaN(date.getTime())) return "";
  return exact(date).slice(0, 16).replace(" ", "T");
}

/** The time that stands in such an input, as calls name it; empty when none does. */
export function fromInput(text) {
  const date = new Date(usesUtc() && text !== "" ? `${text}Z` : text);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** Which times such an input means. */
export function zoneName() {
  return usesUtc() ? "UTC" : "local time";
}
