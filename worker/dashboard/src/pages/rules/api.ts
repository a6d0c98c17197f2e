// What the pages of rules, alerts and probes ask the server for.

import { get } from "../../app/api.ts";
import { hosts, isKnown } from "../../live/store.ts";
import { t } from "../../app/i18n.ts";
import type { Rule } from "./rule.ts";

export const V1 = "/api/edgewatch/v1";

/** An alert, as `GET alerts` has it. */
export interface Alert {
  key: string;
  source: "rule" | "probe" | "probe_latency" | "probe_certificate" | "monitor" | "check" | "threshold";
  source_id: number;
  host_id: number | null;
  opened_at_s: number;
  closed_at_s: number | null;
  text: string;
  detail: string;
  acknowledged_at_s: number | null;
  acknowledged_by: string | null;
  acknowledged_by_name?: string;
  severity: "critical" | "warning" | "unknown";
  note?: string;
}

interface Channel {
  id: number;
  name: string;
  group: string;
}

/** Every rule, by number. */
export async function allRules(signal?: AbortSignal): Promise<Rule[]> {
  const reply = await get<{ rules: Rule[] }>(`${V1}/rules`, undefined, signal);
  return reply.rules;
}

/** Alerts that go on, newest first. */
export async function openAlerts(signal?: AbortSignal): Promise<Alert[]> {
  const reply = await get<{ alerts: Alert[] }>(`${V1}/alerts`, { state: "open", limit: 500 }, signal);
  return reply.alerts;
}

/** The groups that have a channel: what is told to others is heard by nobody. */
export async function heardGroups(signal?: AbortSignal): Promise<string[]> {
  const reply = await get<{ channels: Channel[] }>(`${V1}/channels`, undefined, signal);
  return [...new Set(reply.channels.map((channel) => channel.group))].sort();
}

/** What a host is called, also when it is gone. Nobody knows which are gone before the fleet is there. */
export function hostName(id: number): string {
  return hosts.value.get(id)?.name ?? (isKnown.value ? t("rules.gone_host", { id }) : "…");
}

/** The groups of the hosts that there are, sorted. */
export function hostGroups(): string[] {
  return [...new Set([...hosts.value.values()].map((host) => host.tag ?? "").filter((tag) => tag !== ""))].sort();
}
