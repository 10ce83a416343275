// The entry point `inkhorn/pictures`, in Node: the libraries that draw, for the reports and figures of
// `inkhorn/report` and `inkhorn/figures`. Read next: charts.ts.
//
//   const store = folderStore('runs/first');
//   await writeReport(store, await readRun(store), await loadPictures());
export { loadPictures, type NodePictures, PicturesMissing } from './charts.ts';
