// Quiet hours: one setting for all rules.

import { useEffect } from "preact/hooks";

import { get, send } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { Button, Card, Checkbox, ErrorNote, Field, TextInput, toast, useForm } from "../../ui/index.ts";
import { V1 } from "./api.ts";

interface Hours {
  time_zone: string;
  from: string;
  to: string;
  days?: string[];
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const zones = (): string[] => (typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : []);

export function QuietHours() {
  const now = useLoad("quiet", async (signal) => (await get<{ quiet_hours: Hours | null }>(`${V1}/quiet-hours`, undefined, signal)).quiet_hours);
  const form = useForm({ on: false, time_zone: "", from: "22:00", to: "07:00", days: DAYS }, async (values) => {
    const { on, ...hours } = values;
    await send("PUT", `${V1}/quiet-hours`, { quiet_hours: on ? hours : null });
    toast(t(on ? "rules.quiet_saved" : "rules.quiet_off_saved"), "ok");
  });
  useEffect(() => {
    if (now.data === undefined) return;
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    const { time_zone = own, from = "22:00", to = "07:00", days = DAYS } = now.data ?? {};
    form.reset({ on: now.data !== null, time_zone, from, to, days });
  }, [now.data]);
  const { values, set, errors } = form;
  return (
    <Card title={t("rules.quiet_title")}>
      <form class="ui-form rule-quiet" onSubmit={form.onSubmit}>
        <p class="muted">{t("rules.quiet_about")}</p>
        <ErrorNote error={now.error} retry={now.again} />
        <Checkbox checked={values.on} onChange={(on) => set({ on })} label={t("rules.quiet_on")} disabled={now.data === undefined} />
        {values.on && (
          <>
            <div class="rule-quiet-times">
              <Field label={t("rules.quiet_from")} error={errors.from}><TextInput type="time" value={values.from} onInput={(from) => set({ from })} required /></Field>
              <Field label={t("rules.quiet_to")} error={errors.to}><TextInput type="time" value={values.to} onInput={(to) => set({ to })} required /></Field>
              <Field label={t("rules.quiet_zone")} error={errors.time_zone}>
                <TextInput value={values.time_zone} onInput={(time_zone) => set({ time_zone })} list="rule-zones" required />
              </Field>
              <datalist id="rule-zones">{zones().map((zone) => <option key={zone} value={zone} />)}</datalist>
            </div>
            <Field group label={t("rules.quiet_days")} error={errors.days}>
              <div class="rule-chips">
                {DAYS.map((day) => (
                  <label key={day} class="rule-chip">
                    <input type="checkbox" checked={values.days.includes(day)} onChange={(event) => set({ days: event.currentTarget.checked ? DAYS.filter((one) => one === day || values.days.includes(one)) : values.days.filter((one) => one !== day) })} />
                    <span>{t(`rules.day.${day}`)}</span>
                  </label>
                ))}
              </div>
            </Field>
          </>
        )}
        <ErrorNote error={form.error} />
        {form.isChanged && <div class="ui-form-foot"><Button kind="primary" type="submit" busy={form.busy}>{t("common.save")}</Button></div>}
      </form>
    </Card>
  );
}
