// The words of charts, known as soon as something of this folder is used.

import { register } from "../app/i18n.ts";
import en from "../messages/en/charts.json";
import zh from "../messages/zh/charts.json";

register("charts", { en, zh });
