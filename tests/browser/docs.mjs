// The documentation: every page in light and dark, on a phone, by keyboard, and without a request to anybody else.

import { accessible, check, clean, finish, fitsWidth, open, part, shot, world } from "./kit.mjs";

const PAGES = { index: "/docs", guide: "/docs/guides/nezha", api: "/docs/api/native", metrics: "/docs/metrics", pulse: "/docs/pulse" };

await part("every kind of page is clean, accessible and fits, in light and dark, wide and on a phone", async () => {
  const made = await world();
  for (const theme of ["light", "dark"]) {
    for (const [name, address] of Object.entries(PAGES)) {
      for (const width of [1280, 360]) {
        const page = await open(made, address, { theme, width, loggedIn: false });
        await fitsWidth(page);
        await accessible(page);
        await shot(page, "docs", `${name}-${width}`);
        clean(page);
      }
    }
  }
});

await part("an address of an operation unfolds it, and a keyboard gets past the head at once", async () => {
  const made = await world();
  const page = await open(made, "/docs/api/native", { loggedIn: false });
  const id = await page.locator("details.operation .here").nth(3).getAttribute("id");
  await page.goto(`/docs/api/native#${id}`);
  await page.locator(`#${id}`).waitFor({ state: "visible" });
  await shot(page, "docs", "operation");
  await page.goto("/docs/guides/vps");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "To the content" });
  check(await skip.evaluate((link) => link === document.activeElement), "the first stop leads past the head");
  await page.keyboard.press("Enter");
  check(await page.evaluate(() => document.activeElement?.id === "main"), "the content has the focus");
  clean(page);
});

await part("the dashboard leads to the documentation, and back", async () => {
  const made = await world();
  const page = await open(made, "/");
  await page.getByRole("button", { name: /Account/ }).click();
  await page.getByRole("link", { name: "Documentation" }).click();
  await page.getByRole("heading", { level: 1, name: "Documentation" }).waitFor();
  await page.getByRole("link", { name: "Edgewatch", exact: true }).click();
  await page.getByRole("button", { name: /Account/ }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).getByRole("link", { name: "Documentation" }).waitFor();
  clean(page);
});

await finish();
