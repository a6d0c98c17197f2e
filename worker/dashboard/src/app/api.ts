// All requests to our own API. A refusal is an ApiError with the server's own sentence; who is logged out meanwhile is told once.

/** Why a request was not served. `code` is the server's word, or `unreachable` when none answered. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field?: string;
  readonly retryAfterS?: number;

  constructor(status: number, code: string, message: string, field?: string, retryAfterS?: number) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.field = field;
    this.retryAfterS = retryAfterS;
  }
}

type Query = Record<string, string | number | undefined>;

let refused: () => void = () => {};

/** Whom to tell when a request is refused for want of a credential. */
export function onRefused(listener: () => void): void {
  refused = listener;
}

/** Reads. */
export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return request<T>("GET", withQuery(path, query), undefined, signal);
}

/** Changes something. `body` is sent as JSON; an answer without a body gives undefined. */
export function send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
  return request<T>(method, path, body);
}

/** An address with a query; what is undefined is left out. */
export function withQuery(path: string, query?: Query): string {
  const pairs = Object.entries(query ?? {}).filter((pair): pair is [string, string | number] => pair[1] !== undefined);
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

/** Any failure as an ApiError, so that a page shows each the same way. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, "unexpected", error instanceof Error ? error.message : String(error));
}

async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") headers["x-edgewatch-csrf"] = "1";
  if (body !== undefined) headers["content-type"] = "application/json";
  let reply: Response;
  try {
    reply = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      credentials: "same-origin",
    });
  } catch (error) {
    // Who gave up itself wants no reason.
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "The server cannot be reached.");
  }
  const text = await reply.text();
  if (!reply.ok) {
    if (reply.status === 401) refused();
    throw refusal(reply.status, text, reply.headers.get("retry-after"));
  }
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError(reply.status, "malformed", "The server's answer is no JSON.");
  }
}

/** The refusal in an answer: our own shape, or whatever came from in between. */
export function refusal(status: number, text: string, retryAfter: string | null): ApiError {
  let error: { code?: string; message?: string; field?: string } = {};
  try {
    const body = JSON.parse(text) as { error?: unknown };
    if (typeof body.error === "object" && body.error !== null) error = body.error;
    else if (typeof body.error === "string") error = { message: body.error };
  } catch {
    // A proxy's page, say.
  }
  const seconds = Number(retryAfter ?? /try again in (\d+) s/.exec(error.message ?? "")?.[1] ?? NaN);
  return new ApiError(
    status,
    error.code ?? `http_${status}`,
    error.message ?? `The server answered with status ${status}.`,
    error.field,
    Number.isFinite(seconds) ? seconds : undefined,
  );
}
