// The public page, at `/` for guests: how everything is in one sentence, then each system and service. It reads what guests may read,
// and knows of nothing else.

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { get } from "../../app/api.ts";
import { ago, bytesPerS, date, dateTime, duration, number } from "../../app/format.ts";
import { chooseLanguage, language, register, t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { recall } from "../../app/stored.ts";
import { chooseTheme, theme } from "../../app/theme.ts";
import { hosts, isKnown, liveState, serverNowMs, showHosts } from "../../live/store.ts";
import type { HostNow } from "../../live/types.ts";
import en from "../../messages/en/guest.json";
import zh from "../../messages/zh/guest.json";
import { Meter, Spinner } from "../../ui/feedback.tsx";
import { MoonIcon, SunIcon } from "../../ui/icons.tsx";
import { compareTexts } from "../../ui/layout.tsx";
import { Bars } from "./bars.tsx";
import "./guest.css";
import { groupsOf, noteText, type Overall, overallOf, type ProbeSeen, shareOf } from "./overall.ts";

register("guest", { en, zh });

/** So many hosts are shown as they change; the agents of more are not asked for each sample. */
const MAX_LIVE = 50;
const PROBES_AGAIN_S = 60;

interface Look {
  title: string;
  theme: "system" | "light" | "dark";
}

export interface Probe extends ProbeSeen {
  id: number;
  name: string;
  delay_ms: number | null;
  tls_expires_s: number | null;
  days: { results: number; up_percent: number | null }[];
}

interface Probes {
  today: number;
  probes: Probe[];
}

/** When the newest message came, by the server's clock. */
const asOf = signal<number | null>(null);

export default function Page() {
  const { data: look } = useLoad<Look>("guest", (signal) => get("/api/edgewatch/v1/guest", undefined, signal));
  const { data: probes, error: probesError } = useLoad<Probes>("probes", (signal) => get("/api/edgewatch/v1/probes/summary", undefined, signal), { everyS: PROBES_AGAIN_S });
  const title = look?.title || t("guest.default_title");
  const fleet = hosts.value;
  const groups = useMemo(() => groupsOf(fleet.values(), compareTexts), [fleet, language.value]);

  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    // What a guest chose here before counts more.
    if (recall("theme") !== null || !look) return;
    if (look.theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = look.theme;
  }, [look]);
  const shown = groups.flatMap((group) => group.hosts).slice(0, MAX_LIVE).map((host) => host.id).join(",");
  useEffect(() => showHosts(shown === "" ? [] : shown.split(",").map(Number)), [shown]);
  useEffect(() => {
    asOf.value = serverNowMs() / 1000;
  }, [fleet]);

  // What is not known of probes keeps nobody from seeing the hosts.
  const isReady = isKnown.value && (probes !== undefined || probesError !== undefined || !liveState.value.live);
  const overall = overallOf([...fleet.values()], probes?.probes ?? []);
  return (
    <div class="guest">
      <header class="guest-head">
        <h1>{title}</h1>
        <Choices look={look} />
      </header>
      {!isReady && <Spinner label={t("guest.connecting")} />}
      {isReady && (
        <>
          <section class={`guest-overall guest-mood-${overall.mood}`}>
            <p class="guest-sentence" role="status"><span class="guest-mark" aria-hidden="true" />{sentence(overall)}</p>
            <p class="guest-asof">{t(liveState.value.live ? "guest.as_of" : "guest.stale", { time: dateTime(asOf.value) })}</p>
          </section>
          {groups.map((group) => (
            <section key={group.name} class="guest-group">
              <div class="guest-group-head">
                <h2>{group.name === "" ? t(groups.length > 1 ? "guest.others" : "guest.systems") : group.name}</h2>
                <span class="guest-counts">{group.down > 0 ? t("guest.group_down", { count: group.down }) : group.up > 0 ? t("guest.group_up", { count: group.up }) : ""}</span>
              </div>
              <ul>{group.hosts.map((host) => <System key={host.id} host={host} />)}</ul>
            </section>
          ))}
          {probes && probes.probes.length > 0 && (
            <section class="guest-group">
              <div class="guest-group-head"><h2>{t("guest.services")}</h2></div>
              <ul>{probes.probes.map((probe) => <Service key={probe.id} probe={probe} today={probes.today} />)}</ul>
            </section>
          )}
        </>
      )}
      <footer class="guest-foot"><span>{t("guest.made_by")}</span><a href="/ui/login">{t("guest.log_in")}</a></footer>
    </div>
  );
}

function sentence({ key, mood, down, count, probesDown }: Overall): string {
  switch (key) {
    case "allGood":
      return t(mood === "warn" ? "guest.all_good_low" : "guest.all_good");
    case "someDown":
      return t("guest.some_down", { count: down, all: count });
    case "allDown":
      return t("guest.all_down");
    case "probesDown":
      return t("guest.probes_down", { count: probesDown });
    case "waiting":
      return t("guest.waiting");
    case "empty":
      return t("guest.empty");
  }
}

function Choices({ look }: { look: Look | undefined }) {
  const isDark = theme.value === "dark" || (theme.value === "system" && (look?.theme === "dark" || (look?.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches)));
  return (
    <div class="guest-choices">
      <button type="button" lang={language.value === "en" ? "zh-CN" : "en"} title={t("guest.language")} onClick={() => chooseLanguage(language.value === "en" ? "zh" : "en")}>
        {language.value === "en" ? "中文" : "English"}
      </button>
      <button type="button" aria-label={t("guest.theme")} onClick={() => chooseTheme(isDark ? "light" : "dark")}>{isDark ? <SunIcon /> : <MoonIcon />}</button>
    </div>
  );
}

function System({ host }: { host: HostNow }) {
  const note = noteText(host.public_note);
  const isUp = host.presence === "online";
  const memory = shareOf(host.mem_used_bytes, host.mem_total_bytes);
  const disk = shareOf(host.disk_used_bytes, host.disk_total_bytes);
  return (
    <li class="guest-system" data-presence={host.presence}>
      <div class="guest-name">
        <h3>{host.name}</h3>
        {host.tags && <span class="guest-tags">{host.tags.map((tag) => <span key={tag}>{tag}</span>)}</span>}
      </div>
      <p class="guest-state">
        <span class="guest-dot" aria-hidden="true" />
        {t(isUp ? "guest.up" : host.presence === "offline" ? "guest.down" : "guest.never")}
        {isUp && host.uptime_s !== undefined && <span class="guest-since">{t("guest.uptime", { time: duration(host.uptime_s).split(" ").slice(0, 2).join(" ") })}</span>}
        {host.presence === "offline" && host.last_seen_s !== undefined && (
          <span class="guest-since" title={dateTime(host.last_seen_s)}>{t("guest.down_since", { time: ago(host.last_seen_s, (asOf.value ?? 0) * 1000) })}</span>
        )}
      </p>
      {isUp && (
        <dl class="guest-meters">
          <Value name={t("guest.cpu")} value={host.cpu_percent} />
          <Value name={t("guest.memory")} value={memory} />
          <Value name={t("guest.disk")} value={disk} />
          {host.net_in_bytes_per_s !== undefined && host.net_out_bytes_per_s !== undefined && (
            <div class="guest-net">
              <dt>{t("guest.network")}</dt>
              <dd>
                <span aria-label={t("guest.receives", { rate: bytesPerS(host.net_in_bytes_per_s) })} role="img">↓ {bytesPerS(host.net_in_bytes_per_s)}</span>
                <span aria-label={t("guest.sends", { rate: bytesPerS(host.net_out_bytes_per_s) })} role="img">↑ {bytesPerS(host.net_out_bytes_per_s)}</span>
              </dd>
            </div>
          )}
        </dl>
      )}
      {note !== "" && <p class="guest-note">{note}</p>}
    </li>
  );
}

function Value({ name, value }: { name: string; value: number | undefined }) {
  if (value === undefined) return null;
  return <div><dt>{name}</dt><dd><Meter value={value} label={name} text={`${number(value, 0)} %`} /></dd></div>;
}

function Service({ probe, today }: { probe: Probe; today: number }) {
  return (
    <li class="guest-service" data-state={probe.state}>
      <div class="guest-name"><h3>{probe.name}</h3></div>
      <p class="guest-state">
        <span class="guest-dot" aria-hidden="true" />
        {t(`guest.probe_${probe.state}`)}
        {probe.delay_ms !== null && <span class="guest-since">{t("guest.probe_delay", { delay: number(probe.delay_ms, probe.delay_ms < 10 ? 1 : 0) })}</span>}
        {probe.tls_expires_s !== null && <span class="guest-since">{t("guest.probe_certificate", { date: date(probe.tls_expires_s) })}</span>}
      </p>
      <Bars name={probe.name} days={probe.days} today={today} />
    </li>
  );
}
