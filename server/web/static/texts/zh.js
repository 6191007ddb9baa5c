// 中文。键与旁边其他语言的文件一致。

export const zh = {
  app: {
    cancel: "取消",
    close: "关闭",
    offline: "服务器没有响应，正在重试……",
    skip: "跳到正文",
    theme: "浅色或深色",
    unreachable: "服务器没有响应。它在运行吗？",
    views: "视图",
  },
  login: {
    enter: "登录",
    failed: "登录失败，请重试。",
    key: "密钥",
    title: "此服务器需要密钥",
    words: "密钥在启动服务器时用 --apikey 设定。本浏览器会保持登录一周。",
    wrong: "这不是此服务器的密钥。",
  },
  views: { create: "创作", edit: "编辑", gallery: "图库", system: "系统" },
  edit: {
    canvas: "正在编辑的图片",
    drop: "把图片拖到这里，粘贴，或选择文件。",
  },
};
