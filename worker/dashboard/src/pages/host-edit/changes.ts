// What a host's form holds and what of it is sent. Pure.

export interface HostFull {
  id: number;
  public_id: string;
  uuid: string;
  name: string;
  group: string;
  tags: string[];
  note: string;
  public_note: string;
  display_index: number;
  hidden_for_guest: boolean;
  class: string;
  parent_id: number | null;
  registered_at_s: number;
  presence: "online" | "offline" | "never";
  last_seen_s: number | null;
  agent_version: string;
  mackerel: { status: string; memo: string; roles: string[] };
  retired_at_s?: number | null;
}

/** What is in the form, as people type it. */
export interface HostForm {
  name: string;
  group: string;
  tags: string[];
  note: string;
  public_note: string;
  display_index: string;
  shown_to_guests: boolean;
  status: string;
  memo: string;
  /** `service:role`, one to a line. */
  roles: string;
}

export interface HostPatch {
  name?: string;
  group?: string;
  tags?: string[];
  note?: string;
  public_note?: string;
  display_index?: number;
  hidden_for_guest?: boolean;
  mackerel?: { status?: string; memo?: string; roles?: string[] };
}

export const STATUSES = ["working", "standby", "maintenance", "poweroff"] as const;

/** Labels with those that a text names, by commas: each once, without spaces around it. A label that is there may hold a comma itself. */
export function withTags(tags: readonly string[], text: string): string[] {
  return [...new Set([...tags, ...text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== "")])];
}

/** Roles that a text names: one to a line, or by commas; `web: app` is `web:app`. */
export function rolesOf(text: string): string[] {
  const parts = text.split(/[\n,]/).map((role) => role.replace(/\s*:\s*/, ":").trim());
  return [...new Set(parts.filter((role) => role !== ""))];
}

/** Mackerel's names of services and roles. Source: its documentation of services; 2 to 63 characters. */
const ROLE = /^[A-Za-z0-9][A-Za-z0-9_-]{1,62}:[A-Za-z0-9][A-Za-z0-9_-]{1,62}$/;

export function formOf(host: HostFull): HostForm {
  return {
    name: host.name,
    group: host.group,
    tags: host.tags,
    note: host.note,
    public_note: host.public_note,
    display_index: String(host.display_index),
    shown_to_guests: !host.hidden_for_guest,
    status: host.mackerel.status,
    memo: host.mackerel.memo,
    roles: host.mackerel.roles.join("\n"),
  };
}

/** What is wrong with a form, by field. */
export function problems(form: HostForm): Partial<Record<keyof HostForm, string>> {
  const found: Partial<Record<keyof HostForm, string>> = {};
  if (form.name.trim() === "") found.name = "empty";
  if (!/^-?\d{1,9}$/.test(form.display_index.trim())) found.display_index = "number";
  if (!rolesOf(form.roles).every((role) => ROLE.test(role))) found.roles = "role";
  return found;
}

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((value, at) => value === other[at]);

/** What differs from the host as it is; an empty object when nothing does. */
export function patchOf(host: HostFull, form: HostForm): HostPatch {
  const patch: HostPatch = {};
  const name = form.name.trim();
  if (name !== host.name) patch.name = name;
  if (form.group.trim() !== host.group) patch.group = form.group.trim();
  if (!same(form.tags, host.tags)) patch.tags = form.tags;
  if (form.note !== host.note) patch.note = form.note;
  if (form.public_note !== host.public_note) patch.public_note = form.public_note;
  const index = Number(form.display_index);
  if (index !== host.display_index) patch.display_index = index;
  if (form.shown_to_guests === host.hidden_for_guest) patch.hidden_for_guest = !form.shown_to_guests;
  const mackerel: NonNullable<HostPatch["mackerel"]> = {};
  if (form.status !== host.mackerel.status) mackerel.status = form.status;
  if (form.memo !== host.mackerel.memo) mackerel.memo = form.memo;
  const roles = rolesOf(form.roles).sort();
  if (!same(roles, host.mackerel.roles)) mackerel.roles = roles;
  if (Object.keys(mackerel).length > 0) patch.mackerel = mackerel;
  return patch;
}

/** How many things differ. */
export function countOf(patch: HostPatch): number {
  const { mackerel, ...rest } = patch;
  return Object.keys(rest).length + Object.keys(mackerel ?? {}).length;
}

/** Whether a text typed to confirm is the name: spaces around it do not count, letters do. */
export const confirms = (typed: string, name: string): boolean => name.trim() !== "" && typed.trim() === name.trim();
