// What agents poll of Proxmox, as `GET /api/edgewatch/v1/proxmox` and Pulse's lists of backups have it; and what the page makes of it. Pure.

export interface Amount {
  total: number;
  used: number;
  free: number;
  usage: number;
}

export interface Instance {
  name: string;
  kind: "pve" | "pbs";
  host: string;
  cluster?: string;
  connected: boolean;
  locked_out: boolean;
  polled_at_ms: number | null;
  took_ms: number;
  error?: string;
  collector_id?: number;
}

export interface Node {
  id: string;
  name: string;
  instance: string;
  status: "online" | "offline" | "unknown";
  /** 0 to 1. */
  cpu: number;
  memory: Amount;
  disk: Amount;
  uptime: number;
  loadAverage: number[];
  pveVersion: string;
  kernelVersion: string;
  cpuInfo: { model: string; cores: number; sockets: number };
  clusterName: string;
}

export interface Guest {
  id: string;
  vmid: number;
  name: string;
  node: string;
  instance: string;
  status: "running" | "stopped" | "paused" | "suspended";
  type: "qemu" | "lxc";
  cpu: number;
  cpus: number;
  memory: Amount;
  disk: Amount;
  /** Bytes per second, -1 before it is known. */
  networkIn: number;
  networkOut: number;
  uptime: number;
  lastBackup: string;
  tags?: string[];
  lock?: string;
  osName?: string;
}

export interface Storage {
  id: string;
  name: string;
  node: string;
  instance: string;
  type: string;
  status: "available" | "inactive" | "disabled";
  total: number;
  used: number;
  free: number;
  usage: number;
  content: string;
  shared: boolean;
}

export interface Datastore {
  name: string;
  total: number;
  used: number;
  free: number;
  usage: number;
  status: string;
  error?: string;
  deduplicationFactor?: number;
}

export interface Pbs {
  id: string;
  name: string;
  host: string;
  status: "online" | "offline";
  version: string;
  cpu: number;
  /** Percent. */
  memory: number;
  memoryUsed: number;
  memoryTotal: number;
  uptime: number;
  datastores: Datastore[];
}

export interface Overview {
  instances: Instance[];
  nodes: Node[];
  vms: Guest[];
  containers: Guest[];
  storage: Storage[];
  pbs: Pbs[];
  counts: { storage_backups: number; pbs_backups: number; snapshots: number };
}

interface StorageBackup {
  id: string;
  storage: string;
  node: string;
  instance: string;
  type: string;
  vmid: number;
  ctime: number;
  size: number;
  notes: string;
  protected: boolean;
  isPBS: boolean;
  verified: boolean;
  verification?: string;
}

interface PbsBackup {
  id: string;
  instance: string;
  datastore: string;
  namespace: string;
  backupType: string;
  vmid: string;
  backupTime: string;
  size: number;
  protected: boolean;
  verified: boolean;
  comment: string;
}

interface Task {
  id: string;
  node: string;
  vmid: number;
  status: string;
  startTime: string;
  endTime: string;
  error?: string;
}

export interface BackupsReply {
  backupTasks: Task[];
  storageBackups: StorageBackup[];
  guestSnapshots: Snapshot[];
  pbsBackups: PbsBackup[];
}

export interface Snapshot {
  id: string;
  name: string;
  node: string;
  instance: string;
  type: "qemu" | "lxc";
  vmid: number;
  time: string;
  description?: string;
  vmstate: boolean;
  sizeBytes?: number;
}

export type BackupType = "qemu" | "lxc" | "host" | "unknown";

/** A backup, wherever it lies. */
export interface Backup {
  id: string;
  type: BackupType;
  /** The guest's number, or a host's name. */
  guest: string;
  /** What the guest is called, where it is known. */
  name: string;
  where: string;
  place: string;
  atS: number;
  size: number;
  isProtected: boolean;
  verified: boolean | null;
  notes: string;
}

/** Unix seconds of an RFC 3339 time; null for the year one, which means never. */
export function timeOf(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isFinite(ms) && ms > 0 ? Math.floor(ms / 1000) : null;
}

/** Names of guests: by instance and number, and by number alone where only one guest has it. */
export function namesOf(guests: readonly Pick<Guest, "instance" | "vmid" | "name">[]): (instance: string | null, vmid: string) => string {
  const exact = new Map<string, string>();
  const alone = new Map<string, string | null>();
  for (const guest of guests) {
    const vmid = String(guest.vmid);
    exact.set(`${guest.instance} ${vmid}`, guest.name);
    alone.set(vmid, alone.has(vmid) && alone.get(vmid) !== guest.name ? null : guest.name);
  }
  return (instance, vmid) => (instance === null ? undefined : exact.get(`${instance} ${vmid}`)) ?? alone.get(vmid) ?? "";
}

const TYPES: Record<string, BackupType> = { vm: "qemu", ct: "lxc", host: "host", qemu: "qemu", lxc: "lxc" };

/** Backups of both products in one list, newest first. What a node shows of a Backup Server that is polled itself is there once. */
export function backupsOf(reply: BackupsReply, guests: readonly Pick<Guest, "instance" | "vmid" | "name">[]): Backup[] {
  const name = namesOf(guests);
  const there = new Set<string>();
  const all: Backup[] = reply.pbsBackups.map((one) => {
    const atS = timeOf(one.backupTime) ?? 0;
    const type = TYPES[one.backupType] ?? "unknown";
    there.add(`${type} ${one.vmid} ${atS}`);
    const place = one.namespace === "" ? one.datastore : `${one.datastore}/${one.namespace}`;
    return { id: one.id, type, guest: one.vmid, name: type === "host" ? "" : name(null, one.vmid), where: one.instance, place, atS, size: one.size, isProtected: one.protected, verified: one.verified, notes: one.comment };
  });
  for (const one of reply.storageBackups) {
    const type = TYPES[one.type] ?? "unknown";
    const guest = one.vmid > 0 ? String(one.vmid) : "";
    if (one.isPBS && there.has(`${type} ${guest} ${one.ctime}`)) continue;
    const where = one.node === one.storage ? one.instance : one.node;
    all.push({ id: one.id, type, guest, name: name(one.instance, guest), where, place: one.storage, atS: one.ctime, size: one.size, isProtected: one.protected, verified: one.isPBS ? one.verified : null, notes: one.notes });
  }
  return all.sort((one, other) => other.atS - one.atS);
}

export const AGES: ReadonlyMap<string, { from: number; to: number }> = new Map([
  ["any", { from: -Infinity, to: Infinity }],
  ["day", { from: -Infinity, to: 86_400 }],
  ["week", { from: -Infinity, to: 7 * 86_400 }],
  ["old", { from: 30 * 86_400, to: Infinity }],
  ["ancient", { from: 180 * 86_400, to: Infinity }],
]);

export interface BackupFilter {
  text: string;
  type: string;
  place: string;
  age: string;
}

export function filterBackups(all: readonly Backup[], filter: BackupFilter, nowS: number): Backup[] {
  const wanted = filter.text.trim().toLowerCase();
  const age = AGES.get(filter.age) ?? { from: -Infinity, to: Infinity };
  return all.filter((one) => {
    if (filter.type !== "" && one.type !== filter.type) return false;
    if (filter.place !== "" && `${one.where} ${one.place}` !== filter.place) return false;
    const seconds = nowS - one.atS;
    if (seconds < age.from || seconds > age.to) return false;
    return wanted === "" || one.guest === wanted || one.name.toLowerCase().includes(wanted) || one.guest.includes(wanted) || one.notes.toLowerCase().includes(wanted);
  });
}

export interface GuestFilter {
  text: string;
  status: string;
  type: string;
  node: string;
  /** Those whose last backup is older than a week, or that have none. */
  isBare: boolean;
}

/** A guest without a backup of this week is not safe. */
export const STALE_S = 7 * 86_400;

export function isBare(guest: Pick<Guest, "lastBackup">, nowS: number): boolean {
  const at = timeOf(guest.lastBackup);
  return at === null || nowS - at > STALE_S;
}

export function filterGuests(all: readonly Guest[], filter: GuestFilter, nowS: number): Guest[] {
  const wanted = filter.text.trim().toLowerCase();
  return all.filter((guest) => {
    if (filter.status !== "" && guest.status !== filter.status) return false;
    if (filter.type !== "" && guest.type !== filter.type) return false;
    if (filter.node !== "" && guest.node !== filter.node) return false;
    if (filter.isBare && !isBare(guest, nowS)) return false;
    return wanted === "" || `${guest.name} ${guest.vmid} ${guest.node} ${(guest.tags ?? []).join(" ")} ${guest.osName ?? ""}`.toLowerCase().includes(wanted);
  });
}

/** How polling fares: a word for the state. */
export function pollState(instance: Instance): "ok" | "waiting" | "locked_out" | "failing" {
  if (instance.locked_out) return "locked_out";
  if (instance.connected) return "ok";
  return instance.polled_at_ms === null && !instance.error ? "waiting" : "failing";
}

/** A storage that all nodes share is there once; others are told apart by their node. */
export function storagePlace(storage: Pick<Storage, "node" | "instance" | "shared">): string {
  return storage.shared ? storage.instance : storage.node;
}

/** What somebody types at a shell of the node: the script, then the script with its token. */
export function setupCommands(origin: string, kind: "pve" | "pbs", host: string, token: string): [string, string] {
  const query = new URLSearchParams({ type: kind, host, pulse_url: origin });
  return [`curl -fsSL ${quoted(`${origin}/api/setup-script?${query}`)} >setup.sh`, `PULSE_REG_TOKEN=${quoted(token)} bash setup.sh`];
}

/** An address of a server's API with what was left out: `pve1` is `https://pve1:8006`. Null for what is none. */
export function serverAddress(text: string, kind: "pve" | "pbs"): string | null {
  const typed = text.trim();
  if (typed === "" || /\s/.test(typed)) return null;
  try {
    const url = new URL(/^https?:\/\//i.test(typed) ? typed : `https://${typed}`);
    if (url.username !== "" || url.password !== "" || url.hostname === "") return null;
    const port = url.port === "" ? (kind === "pve" ? "8006" : "8007") : url.port;
    return `${url.protocol}//${url.hostname}:${port}`;
  } catch {
    return null;
  }
}

const quoted = (text: string): string => (/^[\w./:=?&%-]+$/.test(text) && !/[?&]/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The rows of a long list that are to be drawn: those in view and some around them. */
export function inView(count: number, rowPx: number, topPx: number, heightPx: number, around = 12): { from: number; to: number } {
  const from = Math.max(0, Math.min(count, Math.floor(topPx / rowPx) - around));
  const to = Math.max(from, Math.min(count, Math.ceil((topPx + heightPx) / rowPx) + around));
  return { from, to };
}
