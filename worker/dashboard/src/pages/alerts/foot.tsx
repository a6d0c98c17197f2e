// What stands below a list that is read on: nothing yet, what went wrong, how many there are, and the way to older ones.

import { t } from "../../app/i18n.ts";
import { Button, Empty, ErrorNote, Spinner } from "../../ui/index.ts";
import type { Paged } from "./paged.ts";

export function Nothing({ list, title, hint }: { list: Paged<unknown>; title: string; hint: string }) {
  return (
    <>
      {list.rows.length === 0 && !list.busy && !list.error && <Empty title={title}>{hint}</Empty>}
      {list.busy && <Spinner />}
    </>
  );
}

export function Foot({ list }: { list: Paged<unknown> }) {
  return (
    <>
      <ErrorNote error={list.error} retry={list.again} />
      <p class="alert-foot">
        <span class="muted" role="status">{list.busy ? "" : t(list.isMore ? "alerts.shown_more" : "alerts.shown_all", { count: list.rows.length })}</span>
        {list.isMore && <Button onClick={list.more}>{t("alerts.older")}</Button>}
      </p>
    </>
  );
}
