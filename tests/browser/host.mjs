// The page of a host: history with gaps of every kind, crosshair, zoom, maxima, tables, themes, a phone, and a real agent live.

import { accessible, check, clean, finish, fitsWidth, open, part, shot, until, world } from "./kit.mjs";

const HOUR_S = 3_600;
/** Samples come ten seconds apart, as from the agent. */
const STEP_S = 10;

/** Posts hours of samples that ended just now. `missing(at)` says whether there is none of a time, `uptime(at)` what it says of its start. */
async function reportPast(made, secret, { hours, missing, uptime, more = () => ({}) }) {
  const nowS = Math.floor(Date.now() / 1000 / STEP_S) * STEP_S;
  const fromS = nowS - hours * HOUR_S;
  const samples = [];
  for (let at = fromS; at <= nowS; at += STEP_S) {
    if (missing(at - fromS)) continue;
    const wave = Math.sin((at - fromS) / 900);
    const spike = (at / STEP_S) % 3 === 0 ? 30 : 0;
    samples.push({
      number: samples.length + 1, at_ms: at * 1000, cpu_percent: 22 + 12 * wave + spike, mem_used_bytes: Math.round((3 + 0.4 * wave) * 2 ** 30), swap_used_bytes: 64 * 2 ** 20,
      disk_used_bytes: 21 * 2 ** 30 + (at - fromS) * 20_000, net_in_bytes: (at - fromS) * 90_000, net_out_bytes: (at - fromS) * 240_000, net_in_bytes_per_s: Math.round(90_000 + 60_000 * wave),
      net_out_bytes_per_s: Math.round(240_000 - 120_000 * wave), uptime_s: uptime(at - fromS), load1: 0.8 + 0.5 * wave, load5: 0.7 + 0.3 * wave, load15: 0.6 + 0.1 * wave,
      tcp_connections: 40 + Math.round(9 * wave), udp_connections: 8, processes: 180 + Math.round(4 * wave), gpu_percent: 12 + 8 * wave,
      temperatures: [{ name: "coretemp", celsius: 52 + 6 * wave }, { name: "<b>nvme</b>", celsius: 38 + wave }], ...more(at, wave),
    });
  }
  for (let at = 0; at < samples.length; at += 120) {
    const body = { agent_version: "0.1.0", sent_at_ms: Date.now(), oldest: 1, period_s: STEP_S, samples: samples.slice(at, at + 120) };
    if (at === 0) body.host = { platform: "debian", platform_version: "13.1", kernel: "6.12.48+deb13-amd64", arch: "x86_64", virtualization: "kvm", cpu: ["Some Processor 4 Virtual Core"], mem_total_bytes: 8 * 2 ** 30, swap_total_bytes: 2 ** 31, disk_total_bytes: 64 * 2 ** 30 };
    const reply = await fetch(`${made.url}/agent/v1/reports`, { method: "POST", headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" }, body: JSON.stringify(body) });
    check(reply.ok, `samples are taken: ${reply.status} ${await reply.text()}`);
  }
  return fromS;
}

/** Writes what happened as the hub would have told it. */
async function happened(made, events) {
  for (const [at, kind, host, text] of events) {
    const key = `${(at * 1000).toString(16).padStart(12, "0")}${Math.floor(Math.random() * 2 ** 47).toString(16).padStart(12, "0")}`;
    await made.control("POST", "/sql", { sql: "INSERT INTO events (key, at_s, kind, host_id, text) VALUES (?, ?, ?, ?, ?)", params: [key, at, kind, host, text] });
  }
}

const drawn = (page) => page.locator(".chart-drawing canvas").first().waitFor();
const chart = (page, name) => page.locator("section.chart", { has: page.getByRole("heading", { name, exact: true }) });
const cell = (page, name, column) => chart(page, name).locator(`.chart-legend tbody td:nth-child(${column})`).first().textContent();

/** What a canvas shows, as a number that another picture does not have. */
const picture = (page, name) => chart(page, name).locator("canvas").evaluate((canvas) => {
  // A copy: reading one that is drawn by hardware twice makes the browser complain.
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, byte, at) => (sum * 31 + byte * (at % 7)) % 1_000_003, 7);
});

await part("history shows its gaps, and people zoom, compare and read it", async () => {
  const made = await world();
  const { id, secret } = await made.addHost("fra-1 <script>");
  // Of five hours: started anew, cut off, we were away, and told afterwards.
  const gaps = { down: [3_600, 4_500], cut: [7_200, 7_800], away: [10_800, 11_400] };
  const isIn = ([from, to], at) => at >= from && at < to;
  const fromS = await reportPast(made, secret, {
    hours: 5,
    missing: (at) => Object.values(gaps).some((gap) => isIn(gap, at)),
    uptime: (at) => (at < gaps.down[1] ? 400_000 + at : at - gaps.down[1] + 40),
    more: (at, wave) => ({
      metrics: { "custom.queue.waiting": 12 + 5 * wave, "custom.queue.done": 900 + 50 * wave, "cpu.user.percentage": 60 + 20 * wave, "cpu.system.percentage": 20, "cpu.iowait.percentage": 4, "cpu.idle.percentage": 300 - 20 * wave, "filesystem.vda1.size": 64 * 2 ** 30, "filesystem.vda1.used": 21 * 2 ** 30 },
    }),
  });
  await happened(made, [
    [fromS + 3_625, "host_offline", id, "fra-1 is offline: no sign of life for 25 s"],
    [fromS + 4_500, "host_online", id, "fra-1 is online again"],
    [fromS + 7_225, "host_offline", id, "fra-1 is offline: no sign of life for 25 s"],
    [fromS + 7_800, "host_online", id, "fra-1 is online again"],
    [fromS + 11_400, "monitoring_impaired", null, "nobody judged for 600 s; no host is called offline for the next 3 minutes"],
    [fromS + 14_425, "host_offline", id, "fra-1 is offline: no sign of life for 25 s"],
    [fromS + 15_300, "host_online", id, "fra-1 is online again"],
  ]);

  const page = await open(made, `/ui/hosts/${id}?range=6h`, { height: 900 });
  await page.getByRole("heading", { level: 1, name: "fra-1 <script>" }).waitFor();
  await drawn(page);
  const legend = page.getByRole("list", { name: "Gaps" });
  await legend.waitFor();
  const words = await legend.innerText();
  // As exactly as points are apart.
  for (const [kind, long] of [["Host down", 15], ["Agent cut off", 10], ["We were away", 10], ["Reported later", 15]]) {
    const told = Number(new RegExp(`${kind}\\s+once, (\\d+) min`).exec(words)?.[1]);
    check(Math.abs(told - long) <= 2, `the legend tells of ${kind} for ${long} min: ${words}`);
  }
  for (const name of ["CPU", "CPU by kind of work", "Load", "Memory", "Swap", "Disk space", "Space used by mount", "Network", "Connections", "Processes", "Temperatures", "Graphics", "custom.queue"]) {
    await chart(page, name).waitFor();
  }
  check((await chart(page, "Disk reads").count()) === 0, "what was not measured has no chart");
  check((await chart(page, "Temperatures").getByText("<b>nvme</b>").count()) === 1, "a hostile name is a text");
  await shot(page, "host", "six-hours");
  await accessible(page);

  // One crosshair in all charts, and nothing to read in a gap but why.
  const over = chart(page, "CPU").locator(".u-over");
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  const hover = async (share) => page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
  const placeOf = (at) => (at - 5 * HOUR_S + 6 * HOUR_S) / (6 * HOUR_S);
  await hover(placeOf(16_800));
  const moment = await until("the time under the crosshair", async () => chart(page, "CPU").locator(".chart-moment").textContent());
  check(/\d\d:\d\d/.test(moment), `a time: ${moment}`);
  check((await chart(page, "Network").locator(".chart-moment").textContent()) === moment, "the crosshair is in the other charts too");
  const average = await cell(page, "CPU", 2);
  await shot(page, "host", "crosshair");
  await page.getByRole("button", { name: "Maximum", exact: true }).click();
  await until("the address to say so", () => page.url().includes("show=max"));
  await hover(placeOf(16_800) + 0.001);
  await hover(placeOf(16_800));
  const maximum = await cell(page, "CPU", 2);
  check(Number.parseFloat(maximum) > Number.parseFloat(average) + 10, `the maximum ${maximum} is above the average ${average}`);
  await page.getByRole("button", { name: "Average", exact: true }).click();
  await hover(placeOf(4_050));
  await chart(page, "CPU").locator(".chart-moment", { hasText: "Host down" }).waitFor();

  // A drag is a zoom of all charts, which stands in the address and can be undone.
  const whole = await cell(page, "CPU", 3);
  await hover(placeOf(4_000));
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * placeOf(8_500), box.y + 20, { steps: 6 });
  await shot(page, "host", "drag");
  await page.mouse.up();
  await until("the zoom to be in the address", () => /from=\d+&to=\d+/.test(page.url()));
  const zoomed = new URL(page.url());
  check(Math.abs(Number(zoomed.searchParams.get("from")) - (fromS + 4_000)) < 200, "it begins where the drag began");
  await until("the charts to be of that time", async () => !(await legend.innerText()).includes("We were away"));
  await shot(page, "host", "zoomed");
  await page.reload();
  await drawn(page);
  check(page.url() === zoomed.href, "who gets the address sees the same");
  await page.goBack().catch(() => undefined);
  await page.goto(`/ui/hosts/${id}?range=6h`);
  await drawn(page);
  await over.hover();
  await hover(0.5);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 20, { steps: 6 });
  await page.mouse.up();
  await page.getByRole("button", { name: "Undo zoom" }).click();
  await until("the range of before", () => page.url().endsWith("range=6h"));
  check((await cell(page, "CPU", 3)) !== undefined && whole.length > 0, "there are values again");

  // By keyboard alone.
  await chart(page, "CPU").locator(".chart-drawing").focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await until("the crosshair by keys", async () => /\d\d:\d\d/.test(await chart(page, "Load").locator(".chart-moment").textContent()));
  await page.keyboard.press("+");
  await until("the zoom by a key", () => /from=\d+/.test(page.url()));
  await page.keyboard.press("-");
  await until("the way back by a key", () => page.url().endsWith("range=6h"));

  // All points as a table.
  await page.getByRole("button", { name: "CPU as a table" }).click();
  const table = chart(page, "CPU").locator(".chart-points");
  check((await table.locator("tbody tr").count()) > 100, "every point has a row");
  await table.getByText("Host down").first().waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "CPU as a table" }).click();

  // A range of one's own.
  await page.getByRole("button", { name: "Custom", exact: true }).click();
  await page.getByLabel("From", { exact: true }).fill("2026-01-02T00:00:00");
  await page.getByLabel("To", { exact: true }).fill("2026-01-01T00:00:00");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("The end comes after the beginning.").waitFor();
  await page.getByLabel("To", { exact: true }).fill("2026-01-03T00:00:00");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("Nothing was measured in this time").waitFor();
  for (const name of ["5 y", "30 d", "24 h"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await drawn(page);
    await until(`the charts of ${name}`, async () => (await cell(page, "CPU", 4)) !== "–");
  }
  await shot(page, "host", "day", { fullPage: true });

  // Dark without loading anew: the drawings too.
  const light = await picture(page, "CPU");
  await page.emulateMedia({ colorScheme: "dark" });
  page.theme = "dark";
  await until("the drawing in other colours", async () => (await picture(page, "CPU")) !== light);
  await shot(page, "host", "day", { fullPage: true });
  await accessible(page);
  clean(page);

  const phone = await open(made, `/ui/hosts/${id}?range=6h`, { theme: "dark", width: 360, height: 760, language: "zh" });
  await drawn(phone);
  await phone.getByRole("heading", { name: "处理器" }).waitFor();
  await fitsWidth(phone);
  await phone.getByRole("combobox", { name: "时间范围" }).selectOption("24h");
  await until("the range chosen on a phone", () => phone.url().includes("range=24h"));
  await shot(phone, "host", "phone");
  await shot(phone, "host", "phone-long", { fullPage: true });
  await accessible(phone);
  await fitsWidth(phone);
  clean(phone);
});

await part("a host is waited for, and a real agent streams into its charts", async () => {
  const made = await world();
  const { id, secret } = await made.addHost("beta");
  const page = await open(made, `/ui/hosts/${id}?range=live`);
  await page.getByText("Waiting for the first report").waitFor();
  await shot(page, "host", "waiting");
  await accessible(page);
  made.agent(secret);
  await page.locator(".host-tile").first().waitFor({ timeout: 90_000 });
  await chart(page, "CPU").waitFor({ timeout: 90_000 });
  await page.getByRole("button", { name: "CPU as a table" }).click();
  const rows = chart(page, "CPU").locator(".chart-points tbody tr");
  const before = await rows.count();
  let asked = 0;
  page.on("request", (request) => {
    if (request.url().includes("/series?")) asked += 1;
  });
  await until("two more samples", async () => (await rows.count()) >= before + 2, 60_000);
  check(asked <= 2, `samples come over the socket: history was asked for ${asked} times meanwhile`);
  await page.getByRole("button", { name: "CPU as a table" }).click();
  for (const name of ["Memory", "Load", "Network", "Processes"]) check((await chart(page, name).count()) === 1, `there is a chart of ${name}`);
  await page.getByText("Debian").first().waitFor();
  await shot(page, "host", "live");
  // Once a minute the agent tells what Mackerel's readers want: processors by kind of work, interfaces, disks.
  await until("what is told once a minute", async () => {
    const { own } = await made.api("GET", `/api/edgewatch/v1/hosts/${id}/metrics`);
    return own.some(({ name }) => name === "cpu.user.percentage");
  }, 150_000);
  await page.reload();
  await chart(page, "CPU").waitFor();
  await shot(page, "host", "live", { fullPage: true });
  await accessible(page);
  clean(page);

  const nobody = await open(made, "/ui/hosts/999");
  await nobody.getByText("There is no such host").waitFor();
});

await finish();
