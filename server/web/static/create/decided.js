// What will be used: what the form says, else what its preset says.

export function decided(form, presets) {
  const preset = () => {
    const named = presets.find((one) => one.name === form.get("preset"));
    return named ?? presets.find((one) => one.active) ?? presets[0];
  };
  const given = (name) => preset()?.fields?.[name];
  const size = () => form.get("aspect_ratios_selection") || given("aspect_ratios_selection") || "1024*1024";
  return {
    preset,
    field: (name) => given(name) ?? "",
    styles: () => form.get("style_selections") ?? given("style_selections") ?? [],
    performance: () => form.get("performance_selection") || given("performance_selection") || "Speed",
    loras: () => (given("loras") ?? []).filter((one) => one.enabled && one.model_name !== "None"),
    size,
    sizes: () => (preset()?.aspect_ratios?.length ? preset().aspect_ratios : [size()]),
  };
}
