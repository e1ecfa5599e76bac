export { hierarchy, treemap, treemapSquarify } from "d3-hierarchy";
export type * from "d3-hierarchy";
