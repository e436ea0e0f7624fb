// Times of day and days, as Slack writes them. A ts is seconds since 1970 in a string.

const DAY_MS = 86_400_000;

const dateOf = (ts) => new Date(Number(ts) * 1000);

export const timeOf = (ts) => dateOf(ts).toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });

export const fullTimeOf = (ts) => dateOf(ts).toLocaleString("en-US", { dateStyle: "full", timeStyle: "medium" });

/** The same text for two ts of one day: "Today", "Yesterday", "Monday, November 2". */
export function dayOf(ts) {
  const day = dateOf(ts);
  const days = Math.round((midnight(new Date()) - midnight(day)) / DAY_MS);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const year = day.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return day.toLocaleDateString("en-US", { weekday: "long", month: "long", day: "numeric", ...year });
}

const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
