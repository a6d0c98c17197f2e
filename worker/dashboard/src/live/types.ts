// What comes over `GET /live`. Source: worker/core/src/dialects/native/live.

export type PresenceWord = "never" | "online" | "offline";

export interface TemperatureNow {
  name: string;
  celsius: number;
}

/** A host now. What is not known is left out; a value is never 0 in its place. */
export interface HostNow {
  id: number;
  public_id: string;
  name: string;
  /** Its group. */
  tag?: string;
  /** Labels besides the one group. */
  tags?: string[];
  /** What it is to a hypervisor: `node`, `qemu`, `lxc` or `pbs`; left out for a machine. */
  class?: string;
  /** The number of the node that it is a guest of. */
  parent_id?: number;
  /** Higher is listed first. */
  display_index: number;
  presence: PresenceWord;
  last_seen_s?: number;
  platform?: string;
  platform_version?: string;
  arch?: string;
  virtualization?: string;
  country_code?: string;
  agent_version?: string;
  mem_total_bytes?: number;
  swap_total_bytes?: number;
  disk_total_bytes?: number;
  sampled_at_ms?: number;
  cpu_percent?: number;
  mem_used_bytes?: number;
  swap_used_bytes?: number;
  disk_used_bytes?: number;
  net_in_bytes?: number;
  net_out_bytes?: number;
  net_in_bytes_per_s?: number;
  net_out_bytes_per_s?: number;
  uptime_s?: number;
  load1?: number;
  load5?: number;
  load15?: number;
  tcp_connections?: number;
  udp_connections?: number;
  processes?: number;
  gpu_percent?: number;
  temperatures?: TemperatureNow[];
}

/** A message of the server. Others are ignored, and so are keys that are not known. */
export type Message =
  | { type: "snapshot"; version: number; now_ms: number; hosts: HostNow[]; banner: string | null }
  | { type: "delta"; now_ms: number; hosts: HostNow[]; gone: number[]; banner: string | null };
