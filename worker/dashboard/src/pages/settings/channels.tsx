// Where people are told: every channel, how it fares, and a test that shows the receiver's own words.

import { useState } from "preact/hooks";

import { asApiError, get, send } from "../../app/api.ts";
import { dateTime } from "../../app/format.ts";
import { useLoad } from "../../app/load.ts";
import { Badge, Button, Card, Empty, ErrorNote, Spinner, compareTexts, confirm, describe, toast } from "../../ui/index.ts";
import { ChannelDialog } from "./channel-dialog.tsx";
import { receiverOf } from "./channel-form.ts";
import { Intro } from "./parts.tsx";
import type { Channel, ChannelKind, ChannelTest } from "./wire.ts";
import { kindName, s } from "./words.ts";

const CHANNELS = "/api/edgewatch/v1/channels";
/** A notification that waits is told soon, or its reason changes. */
const AGAIN_S = 30;

interface Loaded {
  channels: Channel[];
  kinds: ChannelKind[];
}

export function Channels() {
  const { data, error, again } = useLoad<Loaded>(
    "channels",
    async (signal) => {
      const [{ channels }, { kinds }] = await Promise.all([
        get<{ channels: Channel[] }>(CHANNELS, undefined, signal),
        get<{ kinds: ChannelKind[] }>(`${CHANNELS}/kinds`, undefined, signal),
      ]);
      return { channels, kinds };
    },
    { everyS: AGAIN_S },
  );
  const [open, setOpen] = useState<Channel | "new" | null>(null);

  const remove = async (channel: Channel): Promise<void> => {
    if (!(await confirm(s("channel_remove_confirm", { name: channel.name }), { action: s("remove") }))) return;
    try {
      await send("DELETE", `${CHANNELS}/${channel.id}`);
      toast(s("channel_removed"), "ok");
      again();
    } catch (thrown) {
      toast(describe(asApiError(thrown)), "bad");
    }
  };
  const add = <Button kind="primary" disabled={!data} onClick={() => setOpen("new")}>{s("channel_add")}</Button>;
  const sorted = [...(data?.channels ?? [])].sort((one, other) => compareTexts(one.group, other.group) || compareTexts(one.name, other.name));
  return (
    <div class="settings-stack">
      <Intro actions={add}>{s("channels_about")}</Intro>
      {error && <ErrorNote error={error} retry={again} />}
      {!data && !error && <Spinner />}
      {data && data.channels.length === 0 && <Card><Empty title={s("channel_none")}>{s("channel_none_about")}</Empty></Card>}
      {sorted.length > 0 && (
        <ul class="settings-channels">
          {sorted.map((channel) => <Row key={channel.id} channel={channel} edit={() => setOpen(channel)} remove={() => void remove(channel)} tested={again} />)}
        </ul>
      )}
      {open !== null && data && (
        <ChannelDialog
          kinds={data.kinds}
          groups={[...new Set(data.channels.map((channel) => channel.group))]}
          channel={open === "new" ? undefined : open}
          onClose={() => setOpen(null)}
          done={(text) => {
            setOpen(null);
            toast(text, "ok");
            again();
          }}
        />
      )}
    </div>
  );
}

interface RowProps {
  channel: Channel;
  edit: () => void;
  remove: () => void;
  tested: () => void;
}

function Row({ channel, edit, remove, tested }: RowProps) {
  const [test, setTest] = useState<ChannelTest | null>(null);
  const [busy, setBusy] = useState(false);
  const run = async (): Promise<void> => {
    setBusy(true);
    setTest(null);
    try {
      setTest(await send<ChannelTest>("POST", `${CHANNELS}/${channel.id}/test`));
      tested();
    } catch (thrown) {
      setTest({ delivered: false, status: null, detail: describe(asApiError(thrown)) });
    } finally {
      setBusy(false);
    }
  };
  const receiver = receiverOf(channel);
  return (
    <li class="ui-card settings-channel">
      <div class="settings-channel-head">
        <div class="settings-name">
          <h2>{channel.name}</h2>
          <span class="muted settings-small">{kindName(channel.kind)}{receiver !== "" && ` · ${receiver}`}</span>
        </div>
        <Badge title={s("channel_group")}>{channel.group}</Badge>
        <div class="ui-actions">
          <Button small busy={busy} disabled={channel.config === null} aria-label={s("channel_test_label", { name: channel.name })} onClick={() => void run()}>{s("channel_test")}</Button>
          <Button small aria-label={s("channel_edit_label", { name: channel.name })} onClick={edit}>{s("edit")}</Button>
          <Button small kind="quiet" class="settings-take" aria-label={s("channel_remove_label", { name: channel.name })} onClick={remove}>{s("remove")}</Button>
        </div>
      </div>
      <Standing channel={channel} />
      <div role="status" class="settings-test-result">
        {busy && <p class="muted">{s("channel_testing")}</p>}
        {test && (
          <>
            <p>
              <Badge tone={test.delivered ? "ok" : "bad"} dot>{s(test.delivered ? "channel_delivered" : "channel_refused")}</Badge>
              <span class="muted">{test.status === null ? s("channel_no_status") : s("channel_status", { status: String(test.status) })}</span>
            </p>
            {test.detail !== "" && <pre class="settings-words">{test.detail}</pre>}
          </>
        )}
      </div>
    </li>
  );
}

/** What waits for a channel, and why. */
function Standing({ channel }: { channel: Channel }) {
  if (channel.config === null) return <p class="settings-warning">{s("channel_sealed")}</p>;
  if (channel.waiting === 0 && channel.given_up === 0 && channel.paused_until_s === null) return null;
  return (
    <div class="settings-standing">
      <span class="settings-badges">
        {channel.waiting > 0 && <Badge tone="warn" dot>{s("channel_waiting", { count: channel.waiting })}</Badge>}
        {channel.given_up > 0 && <Badge tone="bad" dot>{s("channel_given_up", { count: channel.given_up })}</Badge>}
        {channel.paused_until_s !== null && <Badge tone="warn">{s("channel_paused", { time: dateTime(channel.paused_until_s) })}</Badge>}
      </span>
      {channel.last_error && <pre class="settings-words">{channel.last_error}</pre>}
    </div>
  );
}
