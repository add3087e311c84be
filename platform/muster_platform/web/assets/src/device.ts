/** The device page: telemetry charts and the command form. */
import { bindCharts } from "./chart";
import { bindCommandForm } from "./command";

bindCharts();
bindCommandForm();
