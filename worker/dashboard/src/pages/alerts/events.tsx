// What happened, newest first, by days.

import { get } from "../../app/api.ts";
import { date } from "../../app/format.ts";
import { locale, t } from "../../app/i18n.ts";
import { session } from "../../app/session.ts";
import { hosts, isKnown, serverNowMs } from "../../live/store.ts";
import { Card, Status } from "../../ui/index.ts";
import { hostName, V1 } from "../rules/api.ts";
import { byDay, isOfHost, readOn, SINCE, subject, toneOf, type Event } from "./alert.ts";
import { Filters, filterNow } from "./filters.tsx";
import { Foot, Nothing } from "./foot.tsx";
import { usePaged } from "./paged.ts";
import { HostLink } from "./row.tsx";

const ENOUGH = 60;
const PAGE = 200;

export function Events() {
  const filter = filterNow();
  const list = usePaged<Event>(`${isKnown.value} ${JSON.stringify(filter)}`, (from) => {
    const oldestS = serverNowMs() / 1000 - (SINCE.get(filter.since) ?? Infinity);
    const ask = async (cursor: string | null) => {
      const reply = await get<{ events: Event[]; cursor: string | null }>(`${V1}/events`, { limit: PAGE, cursor: cursor ?? undefined });
      return { rows: reply.events, cursor: reply.cursor };
    };
    const wanted = (event: Event) => (filter.kind === "" || event.kind === filter.kind) && (filter.rule === "" || String(event.rule_id) === filter.rule) && isOfHost(event.host_id, filter.host, hostName);
    return readOn(ask, from, { enough: ENOUGH, oldestS, at: (event) => event.at_s, wanted });
  });
  const days = byDay(list.rows, (event) => event.at_s, date);
  return (
    <>
      <Filters of="events" />
      <Card flush>
        {days.map((one) => (
          <section key={one.day} class="alert-day">
            <h2>{one.day}</h2>
            <ol class="alert-events">{one.rows.map((event) => <EventRow key={event.key} event={event} />)}</ol>
          </section>
        ))}
        <Nothing list={list} title={t("alerts.events_empty")} hint={t("alerts.events_empty_hint")} />
      </Card>
      <Foot list={list} />
    </>
  );
}

function EventRow({ event }: { event: Event }) {
  const name = event.host_id === null ? undefined : hosts.value.get(event.host_id)?.name;
  const at = new Date(event.at_s * 1000);
  const time = new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(at);
  return (
    <li class="alert-event">
      <time dateTime={at.toISOString()}>{time}</time>
      <Status tone={toneOf(event.kind)}>{t(`alerts.event.${event.kind}`)}</Status>
      <p class="alert-event-text">
        {event.host_id !== null && <span class="alert-host"><HostLink id={event.host_id} /></span>}
        {event.rule_id !== undefined && session.value?.isAdmin ? <a class="alert-subject" href={`/ui/rules/${event.rule_id}`}>{subject(event.text, name)}</a> : <span class="alert-subject">{subject(event.text, name)}</span>}
        <span class="muted">
          {event.group && <> {t("alerts.told", { group: event.group })}</>}
          {event.quiet && <> {t("alerts.told_nobody")}</>}
        </span>
      </p>
    </li>
  );
}
