// What the settings pages read from `/api/edgewatch/v1/` and send there: the shapes of worker/core/src/dialects/native.

export interface AddressNotices {
  enabled: boolean;
  group: string;
  /** Of these hosts alone; of all when left out. */
  hosts?: number[];
  /** Not of these hosts. */
  except_hosts?: number[];
}

export type GuestView = "off" | "status" | "pulse";
export type GuestTheme = "system" | "light" | "dark";
export type SocketDialect = "nezha" | "pulse" | "both";

export interface Settings {
  guest_view: GuestView;
  view_password_set: boolean;
  plain_ip_in_notifications: boolean;
  ip_change_notifications: AddressNotices;
  push_agents: "auto" | "manual";
  dialect_hosts?: Record<string, SocketDialect>;
  guest_title?: string;
  guest_theme?: GuestTheme;
}

export type Role = "admin" | "viewer";

export interface Account {
  id: number;
  name: string;
  role: Role;
  email: string | null;
  has_password: boolean;
  created_at_s: number;
}

export type Scope = "read" | "write" | "register" | "admin";

export interface Token {
  id: number;
  tail: string;
  kind: "api" | "agent";
  scopes: Scope[];
  note: string;
  created_at_s: number;
  expires_at_s: number | null;
  uses_left: number | null;
  address_ranges: string[];
  last_use_s: number | null;
}

export interface TokenRequest {
  kind: "api" | "agent";
  note: string;
  scopes?: Scope[];
  expires_in_s?: number;
  uses?: number;
  address_ranges: string[];
}

/** What stands for a secret that is kept and not shown. */
export const MASK = "********";

export interface Channel {
  id: number;
  name: string;
  kind: string;
  group: string;
  created_at_s: number;
  /** Null when they do not open under the deployment's key. */
  config: Record<string, string> | null;
  waiting: number;
  given_up: number;
  last_error: string | null;
  paused_until_s: number | null;
}

export interface ChannelSetting {
  name: string;
  about: string;
  required: boolean;
  secret: boolean;
  default: string;
  input: "line" | "text" | "json" | "number" | "choice";
  choices?: string[];
  least?: number;
  most?: number;
}

export interface ChannelKind {
  kind: string;
  settings: ChannelSetting[];
}

export interface ChannelTest {
  delivered: boolean;
  status: number | null;
  detail: string;
}

export interface Meter {
  meter: string;
  unit: "requests" | "rows" | "bytes" | "ms";
  used: number;
  allowance: number | null;
  share: number | null;
  share_at_day_end: number | null;
  is_wall: boolean;
  refused: boolean;
  sentence: string;
}

export interface Levers {
  frame_s: number;
  post_frame_s: number;
  write_s: number;
  newest_s: number;
  live_hosts: number;
  changed_at_s: number;
}

export interface Ring {
  tier: "samples" | "minutes" | "ten_minutes" | "two_hours";
  blocks: number;
  kept_hours: number;
  wanted_blocks: number;
  fitting_blocks: number;
  block_bytes: number | null;
  changing: boolean;
}

export interface Usage {
  now_s: number;
  day_ends_s: number;
  plan: "free" | "paid" | "own";
  account_percent: number;
  messages_per_request: number;
  meters: Meter[];
  levers: Levers;
  hold_until_s: number | null;
  banner: string | null;
  rings: Ring[];
}
